// The verbs behind the engine's table. They throw Error; engine.cpp turns that into a line and an exit code.
#pragma once

#include "apps/engine/engine.h"

namespace gptcore {

int run_verb(const RunRequest& request);
int sample_verb(const SampleRequest& request);
int summary_verb(const SummaryRequest& request);
int bench_verb(const BenchRequest& request);
int test_verb(const ConformanceRequest& request);
int plan_verb(const PlanRequest& request);
int tokenize_verb(const TokenizeRequest& request);
int prepare_verb(const PrepareRequest& request);
int data_sample_verb(const DataSampleRequest& request);
int export_verb(const ExportRequest& request);
int check_verb(const CheckRequest& request);
int import_verb(const ImportRequest& request);

}  // namespace gptcore
