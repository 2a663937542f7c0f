// Turns a dataset's `files` entries (paths, patterns, folders) into a list of files.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

// The files an entry names, by path. A folder gives all text files in it and its folders: none with a NUL byte, none in a
// hidden folder, and only those with one of `extensions` (".cpp" or "cpp") unless that is empty. In a pattern * and ? stand
// for parts of one name, ** for any number of folders. Throws Error(data_missing) when there is nothing of that name.
std::vector<std::string> source_files(const std::string& entry, const std::vector<std::string>& extensions);

// The files that the entries name, each once, in the entries' order and by name within one. Of a folder only the files in it
// whose names end with one of `endings`, of any kind. Throws Error(data_missing) like source_files.
std::vector<std::string> data_files(const std::vector<std::string>& entries, const std::vector<std::string>& endings);

// "x{08..11}.parquet" as four urls, with as many digits as the range's first number has.
std::vector<std::string> expanded_urls(const std::vector<std::string>& urls);

// The file's bytes. Throws Error(data_missing).
std::string read_file(const std::string& path);

}  // namespace gptcore
