// A folder that gptcore prepare has made.
#pragma once

#include "corpus_dataset.h"

namespace gptcore::datasets {

class Prepared final : public Dataset {
 public:
  static void schema(Schema<Prepared>& s) {
    s.param("path", &Prepared::path_, "folder with manifest.json, made by gptcore prepare").path().required();
    add_packing(s, &Prepared::pack_);
  }
  void open(const DatasetContext& context) override { folder_.open(path_, packing_of(pack_), context); }
  int64_t vocab_size() const override { return folder_.manifest().vocab_size; }
  int64_t tokens(Split split) const override { return folder_.tokens(split); }
  int64_t windows(Split split) const override { return folder_.windows(split); }
  void batch(const BatchRequest& request, Batch& out) override { folder_.batch(request, out); }
  std::string fingerprint() const override { return folder_.fingerprint(); }

 private:
  std::string path_, pack_ = "stream";
  ShardFolder folder_;
};

}  // namespace gptcore::datasets
