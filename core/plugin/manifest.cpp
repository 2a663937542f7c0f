#include "core/plugin/manifest.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "core/base/json_fault.h"
#include "gptcore/error.h"
#include "gptcore/json.h"

namespace gptcore {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kMaxDepth = 16;  // of a default value

// The words of the file format for types, in the order of enum Type; type_name() has those for people.
constexpr std::array<const char*, 11> kTypes = {"boolean",   "integer",      "number",      "text",  "path", "text_list",
                                                "path_list", "integer_list", "number_list", "table", "any"};

}  // namespace

Json json_of(const ParamSpec& p) {
  Json out = {{"name", p.name}, {"type", kTypes.at(static_cast<size_t>(p.type))}, {"doc", p.doc}};
  if (!p.fallback.empty()) out["default"] = to_json<Json>(p.fallback);
  if (p.required) out["required"] = true;
  if (p.minimum) out["min"] = *p.minimum;
  if (p.maximum) out["max"] = *p.maximum;
  if (p.minimum_open) out["min_open"] = true;
  if (p.maximum_open) out["max_open"] = true;
  for (const Choice& c : p.choices) out["choices"].push_back({{"text", c.text}, {"doc", c.doc}});
  for (const Word& w : p.words) out["words"].push_back({{"text", w.text}, {"number", w.number}});
  if (!p.unit.empty()) out["unit"] = p.unit;
  return out;
}

namespace {

Value value_of(const Json& json, int depth = 0) {
  if (depth > kMaxDepth) throw std::runtime_error("a default value is nested too deeply");
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    List out;
    for (const Json& v : json) out.push_back(value_of(v, depth + 1));
    return out;
  }
  if (json.is_object()) {
    Table out;
    for (const auto& [key, v] : json.items()) out.emplace_back(key, value_of(v, depth + 1));
    return out;
  }
  return {};
}

template <class T> T get_or(const Json& json, const char* key, T otherwise) {
  return json.contains(key) ? json.at(key).get<T>() : otherwise;
}

ParamSpec param_of(const Json& json) {
  ParamSpec p;
  p.name = json.at("name").get<std::string>();
  p.doc = json.at("doc").get<std::string>();
  const auto type = std::find(kTypes.begin(), kTypes.end(), json.at("type").get<std::string>());
  if (type == kTypes.end()) throw std::runtime_error("parameter '" + p.name + "' has an unknown type");
  p.type = static_cast<Type>(type - kTypes.begin());
  if (json.contains("default")) p.fallback = value_of(json.at("default"));
  p.required = get_or(json, "required", false);
  if (json.contains("min")) p.minimum = json.at("min").get<double>();
  if (json.contains("max")) p.maximum = json.at("max").get<double>();
  p.minimum_open = get_or(json, "min_open", false);
  p.maximum_open = get_or(json, "max_open", false);
  for (const Json& c : get_or(json, "choices", Json::array()))
    p.choices.push_back({c.at("text").get<std::string>(), c.at("doc").get<std::string>()});
  for (const Json& w : get_or(json, "words", Json::array()))
    p.words.push_back({w.at("text").get<std::string>(), w.at("number").get<double>()});
  p.unit = get_or(json, "unit", std::string());
  return p;
}

Kind kind_of(const std::string& text) {
  for (int i = 0; i < kKinds; ++i)
    if (text == name_of(static_cast<Kind>(i))) return static_cast<Kind>(i);
  throw std::runtime_error("unknown kind '" + text + "'");
}

constexpr std::array<const char*, 7> kEffects = {"changes_training", "freezes",       "reshapes", "adapts",
                                                 "replaces",         "controls_data", "undoes"};

// Returns the bits whose names `json` lists.
template <class NameOf> uint32_t bits_of(const Json& json, int count, NameOf&& name) {
  uint32_t bits = 0;
  for (const Json& text : json) {
    int bit = 0;
    while (bit < count && text.get<std::string>() != name(bit)) ++bit;
    if (bit == count) throw std::runtime_error("unknown event or effect " + text.dump());
    bits |= 1u << bit;
  }
  return bits;
}

ItemInfo item_of(const Json& json, const Manifest& manifest) {
  ItemInfo item;
  item.kind = kind_of(json.at("kind").get<std::string>());
  item.name = json.at("name").get<std::string>();
  item.doc = json.at("doc").get<std::string>();
  for (const Json& p : json.at("params")) item.params.push_back(param_of(p));
  item.events = bits_of(get_or(json, "events", Json::array()), kEvents, [](int i) { return name_of(static_cast<Event>(i)); });
  item.effects = bits_of(get_or(json, "effects", Json::array()), static_cast<int>(kEffects.size()),
                         [](int i) { return kEffects.at(static_cast<size_t>(i)); });
  item.plugin = manifest.plugin;
  item.plugin_version = manifest.version;
  return item;
}

void find_mistakes(const ItemInfo& item, const std::string& title, std::vector<std::string>& found) {
  std::set<std::string> names;
  for (const ParamSpec& p : item.params) {
    const std::string param = title + ", parameter '" + p.name + "': ";
    if (!is_name(p.name)) found.push_back(param + "expects a name like learning_rate ([a-z][a-z0-9_]*)");
    if (p.name == "use" || p.name == "when" || (item.kind == Kind::adapter && (p.name == "targets" || p.name == "train_base")))
      found.push_back(param + "the name is a key of the pipeline file itself");
    if (!names.insert(p.name).second) found.push_back(param + "is declared twice");
    if (p.doc.empty()) found.push_back(param + "has no doc");
    if (p.fallback.empty()) continue;
    ParamSpec bare = p;  // misfit() accepts the default whatever it is
    bare.fallback = {};
    if (const auto wrong = misfit(bare, p.fallback)) found.push_back(param + "the default does not fit: " + wrong->text);
  }
}

}  // namespace

ItemInfo describe(const Item& item, const std::string& plugin, const std::string& version) {
  return {item.kind, item.name, item.doc, item.params, plugin,      version,
          "",        nullptr,   nullptr,  nullptr,     item.events, item.effects};
}

std::vector<std::string> names_of_events(EventSet events) {
  std::vector<std::string> names;
  for (int i = 0; i < kEvents; ++i)
    if (events >> i & 1) names.push_back(name_of(static_cast<Event>(i)));
  return names;
}

std::vector<std::string> names_of_effects(Effects effects) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kEffects.size(); ++i)
    if (effects >> i & 1) names.push_back(kEffects.at(i));
  return names;
}

std::string to_json(const Manifest& manifest) {
  Json out = {{"plugin", manifest.plugin}, {"version", manifest.version}, {"items", Json::array()}};
  for (const ItemInfo& item : manifest.items) {
    Json params = Json::array();
    for (const ParamSpec& p : item.params) params.push_back(json_of(p));
    Json described = {{"kind", name_of(item.kind)}, {"name", item.name}, {"doc", item.doc}, {"params", std::move(params)}};
    if (item.events != 0) described["events"] = names_of_events(item.events);
    if (item.kind == Kind::operation) described["effects"] = names_of_effects(item.effects);
    out["items"].push_back(std::move(described));
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Manifest parse_manifest(std::string_view text, const std::string& where) {
  try {
    const Json json = Json::parse(text);
    Manifest out;
    out.plugin = json.at("plugin").get<std::string>();
    out.version = json.at("version").get<std::string>();
    for (const Json& item : json.at("items")) out.items.push_back(item_of(item, out));
    return out;
  } catch (const std::exception& e) {
    throw Error(Code::plugin_no_manifest, "its manifest is damaged: " + json_fault(e.what()),
                "build the plugin again with gptcore_add_plugin()", where);
  }
}

std::vector<std::string> mistakes(const Manifest& manifest) {
  std::vector<std::string> found;
  if (!is_name(manifest.plugin))
    found.push_back("plugin '" + manifest.plugin + "': expects a name like my_plugin ([a-z][a-z0-9_]*)");
  std::set<std::string> names;
  for (const ItemInfo& item : manifest.items) {
    const std::string title = std::string(name_of(item.kind)) + " '" + item.name + "'";
    if (!is_name(item.name)) found.push_back(title + ": expects a name like my_item ([a-z][a-z0-9_]*)");
    if (!names.insert(title).second) found.push_back(title + ": is registered twice");
    if (item.doc.empty()) found.push_back(title + ": has no doc");
    find_mistakes(item, title, found);
  }
  return found;
}

void refuse_mistakes(const Manifest& manifest, const std::string& where) {
  std::string all;
  for (const std::string& line : mistakes(manifest))
    if (all.find(line) == all.npos) all += (all.empty() ? "" : "; ") + line;  // an item registered twice lists them twice
  if (!all.empty())
    throw Error(Code::plugin_bad_schema, "has an invalid manifest: " + all, "fix its names and schema functions", where);
}

bool is_name(std::string_view text) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && lower(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace gptcore
