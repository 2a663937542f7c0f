// Typed access to the further interfaces of an object. An interface T carries its id as T::kId.
#pragma once

#include <string_view>

namespace gptcore {

// Returns the interface T of `object`, or null when it has none. The object owns the interface.
template <class T, class Object> T* extension_of(Object& object) {
  return static_cast<T*>(object.extension(T::kId));
}

// Returns the service T of the host, or null when this program does not offer it.
template <class T, class Host> T* service_of(Host& host) {
  return static_cast<T*>(host.service(T::kId));
}

// Implements extension(): returns `object` as the one of `Interfaces` that `id` names, or null. The interfaces may be private
// bases, which a static_cast does not reach.
template <class... Interfaces, class Object> void* extension_as(Object* object, std::string_view id) {
  void* found = nullptr;
  ((id == Interfaces::kId ? static_cast<void>(found = (Interfaces*)object) : void()), ...);
  return found;
}

}  // namespace gptcore
