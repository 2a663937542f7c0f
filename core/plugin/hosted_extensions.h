// What an object's extension() returns, with the same marks and names as the object's own methods.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/plugin/breadcrumb.h"

namespace gptcore {

class HostedExtensions {
 public:
  // An interface of that id in front of `found`, alive as long as this; `found` itself where the id is none that is known here.
  void* marked(std::string_view id, void* found, const Callee& callee);

 private:
  struct Made {
    void *found = nullptr, *interface = nullptr;
    std::shared_ptr<void> owner;
  };
  std::map<std::string, Made, std::less<>> made_;
};

}  // namespace gptcore
