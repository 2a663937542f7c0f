// Wraps what an object's extension() returns: its calls are marked, and its errors named, as those of the object's own methods.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/plugin/breadcrumb.h"

namespace gptcore {

class HostedExtensions {
 public:
  // Returns an interface of that id that wraps `found` and lives as long as this object, or `found` itself for an unknown id.
  void* marked(std::string_view id, void* found, const Callee& callee);

 private:
  struct Made {
    void *found = nullptr, *interface = nullptr;
    std::shared_ptr<void> owner;
  };
  std::map<std::string, Made, std::less<>> made_;
};

}  // namespace gptcore
