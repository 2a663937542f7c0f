// The version of gptcore and of its SDK; CMake reads it from here.
#pragma once

#define GPTCORE_VERSION "0.1.0"
#define GPTCORE_SDK_VERSION 100  // 10203 = 1.2.3

// What must be equal between a plugin and the program for C++ objects to pass: never the compiler, never NDEBUG.
#if defined(__x86_64__)
#define GPTCORE_TAG_ARCH "x86_64"
#elif defined(__aarch64__)
#define GPTCORE_TAG_ARCH "aarch64"
#else
#define GPTCORE_TAG_ARCH "other"
#endif
#if defined(_LIBCPP_VERSION)
#define GPTCORE_TAG_STD ";libc++"
#else
#define GPTCORE_TAG_STD ";libstdc++"
#endif
#if !defined(_GLIBCXX_USE_CXX11_ABI) || _GLIBCXX_USE_CXX11_ABI
#define GPTCORE_TAG_CXX11 ";cxx11"
#else
#define GPTCORE_TAG_CXX11 ";oldabi"
#endif
#if defined(_GLIBCXX_DEBUG)
#define GPTCORE_TAG_DEBUG ";glibcxx_debug"
#else
#define GPTCORE_TAG_DEBUG ""
#endif
#if defined(__SANITIZE_ADDRESS__)
#define GPTCORE_TAG_SANITIZER ";asan"
#elif defined(__SANITIZE_THREAD__)
#define GPTCORE_TAG_SANITIZER ";tsan"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GPTCORE_TAG_SANITIZER ";asan"
#elif __has_feature(thread_sanitizer)
#define GPTCORE_TAG_SANITIZER ";tsan"
#endif
#endif
#ifndef GPTCORE_TAG_SANITIZER
#define GPTCORE_TAG_SANITIZER ""
#endif
// Include a standard header before this one: the library's own macros decide two of the parts.
#define GPTCORE_ABI_TAG GPTCORE_TAG_ARCH GPTCORE_TAG_STD GPTCORE_TAG_CXX11 ";c++20" GPTCORE_TAG_DEBUG GPTCORE_TAG_SANITIZER
