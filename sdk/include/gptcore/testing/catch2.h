// The test kit in Catch2, version 2 or 3: GPTCORE_REQUIRE_OK(report) shows the run's own error line when it failed.
#pragma once

#include "gptcore/testing.h"

#ifndef INTERNAL_CATCH_TEST  // not Catch's: c10's logging headers define one
#undef CHECK
#endif
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#elif __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace Catch {
template <> struct StringMaker<gptcore::testing::Report> {
  static std::string convert(const gptcore::testing::Report& report) {
    if (!report.ok()) return report.error;
    return "a run of " + std::to_string(report.loss.size()) + " updates" +
           (report.loss.empty() ? "" : ", last loss " + std::to_string(report.loss.back()));
  }
};
template <> struct StringMaker<gptcore::Value> {
  static std::string convert(const gptcore::Value& value) { return to_toml(value); }
};
}  // namespace Catch

#define GPTCORE_REQUIRE_OK(report)                             \
  do {                                                         \
    const gptcore::testing::Report& gptcore_report = (report); \
    INFO("the run failed: " << gptcore_report.error);          \
    REQUIRE(gptcore_report.ok());                              \
  } while (false)
