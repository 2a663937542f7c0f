// Turns a dataset's `files` entries (paths, patterns, folders) into a list of files.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

// Returns the files that an entry names, by path. A folder stands for all text files in it and its subfolders: none with a NUL
// byte, none in a hidden folder, and only those with one of `extensions` (".cpp" or "cpp") unless that is empty. In a pattern,
// * and ? stand for parts of one name, ** for any number of folders. Throws Error(data_missing) when nothing has that name.
std::vector<std::string> source_files(const std::string& entry, const std::vector<std::string>& extensions);

// Returns the files that the entries name, each once, in the entries' order and by name within one. A folder stands for the
// files directly in it, of any kind, whose names end with one of `endings`. Throws Error(data_missing) like source_files().
std::vector<std::string> data_files(const std::vector<std::string>& entries, const std::vector<std::string>& endings);

// Returns "x{08..11}.parquet" as four urls, with as many digits as the range's first number has.
std::vector<std::string> expanded_urls(const std::vector<std::string>& urls);

// Returns the file's bytes. Throws Error(data_missing).
std::string read_file(const std::string& path);

}  // namespace gptcore
