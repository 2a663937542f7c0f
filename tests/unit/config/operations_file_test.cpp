#include "core/config/operations_file.h"

#include <cstdlib>

#include "core/config/operation_keys.h"
#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

const char* const kPipeline = "[[stage]]\nkind = \"train\"\noperations_file = \"ops.yaml\"\n";

// The operations of the samples, as plugins would offer them.
void add_operations(Catalog& catalog) {
  const auto add = [&](const std::string& name, std::vector<ParamSpec> params) {
    catalog.add({Kind::operation, name, "doc", std::move(params), name, "1.0", "/plugins/" + name + ".so", nullptr});
  };
  const auto required = [](Type type) {
    ParamSpec spec = param("value", type, {}, "what to set");
    spec.required = true;
    return spec;
  };
  add("change_lr", {required(Type::number)});
  add("set_layer_lora_rank", {required(Type::any)});
  add("freeze_layer", {required(Type::text)});
  add("merge_lora_weights", {});
  add("adjust_batch_size",
      {param("max_batch_size", Type::integer, 1024, "n"), param("target_vram_percent", Type::number, 82.0, "part")});
}

// A pipeline whose train stage has this operations file.
struct Scheduled : Fixture {
  explicit Scheduled(const std::string& operations, const std::string& pipeline = kPipeline) : Fixture(pipeline) {
    add_operations(catalog);
    write_raw("ops.yaml", operations);
  }
};

Lines errors_of(const std::string& operations) {
  return Scheduled(operations).errors();
}

std::string sample(const std::string& name) {
  return read_raw(std::string(std::getenv("GPTCORE_SOURCE")) + "/tests/unit/config/operations/" + name);
}

// One entry with these lines more or instead.
std::string entry(const std::string& lines) {
  return "- name: change_lr\n  value: 0.5\n" + lines;
}

}  // namespace

TEST_CASE("a schedule in YAML or JSON becomes the operations of its stage", "[config][operations_file]") {
  const std::string name = GENERATE("ladder.yaml", "ladder.json");
  const bool wrapped = GENERATE(false, true);
  CAPTURE(name, wrapped);
  std::string text = sample(name);
  if (wrapped && name == "ladder.json") text = "{\"operations\": " + text + "}";
  if (wrapped && name == "ladder.yaml") text = "operations:\n" + text;
  Scheduled f(text);
  const auto operations = f.load().stages[0].operations;
  REQUIRE(operations.size() == 5);
  CHECK(operations[0].use == "change_lr");
  CHECK(operations[0].path == "stage.train.operation.0");
  CHECK(value_of(operations[0], "value") == Value(2.0));
  CHECK(value_of(operations[0], "when") == Value(Table{{"trigger_loss", 6.0}, {"max_wait_iters", 50000}}));
  CHECK(value_of(operations[0], "reevaluate") == Value(false));
  CHECK(value_of(operations[1], "value") == Value(List{"attn.2", 16}));
  CHECK(value_of(operations[2], "value") == Value("mlp.0"));
  CHECK(value_of(operations[2], "reevaluate") == Value(true));
  CHECK(find(value_of(operations[2], "when").as<Table>(), "max_wait_iters")->as<int64_t>() == 100000);
  CHECK(operations[3].use == "merge_lora_weights");
  CHECK(value_of(operations[3], "when") == Value(Table{{"trigger_loss", "now"}, {"max_wait_iters", 0}}));
  CHECK(value_of(operations[4], "max_batch_size") == Value(64));
  CHECK(value_of(operations[4], "target_vram_percent") == Value(50.0));
  CHECK(operation_keys(operations[4].values).completed);
  CHECK_FALSE(operation_keys(operations[3].values).completed);
}

TEST_CASE("values of an operations file know their place in it", "[config][operations_file]") {
  Scheduled f(sample("ladder.yaml"));
  const auto operations = f.load().stages[0].operations;
  CHECK(operations[0].location.text() == "ops.yaml:2:3");
  CHECK(origin_of(operations[0], "value") == "ops.yaml:3:10");
  CHECK(origin_of(operations[2], "reevaluate") == "ops.yaml:16:15");
  CHECK(origin_of(operations[2], "completed") == "default");
  CHECK(origin_of(operations[4], "max_batch_size") == "ops.yaml:25:27");
}

TEST_CASE("the operations of a file follow those of the pipeline, and overrides reach them", "[config][operations_file]") {
  Scheduled f(entry("  trigger_loss: 2\n  max_wait_iters: 10\n"),
              std::string(kPipeline) + "[[stage.operation]]\nuse = \"lora\"\n[[stage]]\nkind = \"sample\"\n");
  const auto config = f.load({"train.operation.change_lr.value=0.25", "train.operation.1.on_error=skip"});
  REQUIRE(config.stages[0].operations.size() == 2);
  CHECK(config.stages[0].operations[0].use == "lora");
  CHECK(value_of(config.stages[0].operations[1], "value") == Value(0.25));
  CHECK(value_of(config.stages[0].operations[1], "on_error") == Value("skip"));
}

TEST_CASE("an operations file is named from the pipeline's folder, on the command line from the current one",
          "[config][operations_file]") {
  Scheduled f("[]\n");
  std::filesystem::create_directory("sub");
  write_raw("sub/p.toml", "[[stage]]\nkind = \"train\"\noperations_file = \"o.json\"\n");
  write_raw("sub/o.json", "[{\"name\": \"change_lr\", \"value\": 1, \"trigger_loss\": 2, \"max_wait_iters\": 3}]");
  f.file = "sub/p.toml";
  const auto config = f.load();
  REQUIRE(config.stages[0].operations.size() == 1);
  CHECK(config.stages[0].operations[0].location.text() == "sub/o.json:1:2");
  CHECK(value_of(config.stages[0].table, "operations_file") == Value((f.folder.path / "sub" / "o.json").string()));
  CHECK(f.load({"operations_file=ops.yaml"}).stages[0].operations.empty());
  CHECK(f.load({"train.operations-file=ops.yaml"}).stages[0].operations.empty());
}

TEST_CASE("a resolved config holds the operations themselves and loads again without their file", "[config][operations_file]") {
  Scheduled f(sample("ladder.yaml"));
  const PipelineConfig config = f.load({"train.write_back=true"});
  const std::string text = config.to_toml();
  CHECK_THAT(text, !Catch::Contains("operations_file") && !Catch::Contains("write_back"));
  Fixture other(text);
  add_operations(other.catalog);
  const PipelineConfig again = other.load();
  REQUIRE(again.stages[0].operations.size() == config.stages[0].operations.size());
  for (size_t i = 0; i < config.stages[0].operations.size(); ++i) {
    CHECK(again.stages[0].operations[i].use == config.stages[0].operations[i].use);
    CHECK(again.stages[0].operations[i].values == config.stages[0].operations[i].values);
  }
  CHECK(again.to_toml() == text);
}

TEST_CASE("every mistake of an operations file is located in it", "[config][operations_file]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", "ops.yaml: error[GC100]: has no operations; write one list"},
      {"change_lr\n", "ops.yaml:1:1: error[GC103]: operations are a list"},
      {"- [1, 2\n", "ops.yaml:2:1: error[GC100]: neither YAML nor JSON: end of sequence flow not found"},
      {"- name: a\n\tvalue: 2\n", "ops.yaml:2:1: error[GC100]: neither YAML nor JSON"},
      {"[]\n---\n[]\n", "ops.yaml:2:1: error[GC100]: the list of operations has ended before this; write one list"},
      {"- name: a\n, name: b\n", "ops.yaml:2:1: error[GC100]: the list of operations has ended before this"},
      {"operation: []\n", "ops.yaml:1:1: error[GC102]: an operations file has no key 'operation'; did you mean 'operations'?"},
      {"{}\n", "ops.yaml:1:1: error[GC100]: has no operations; write a list of operations"},
      {"operations: 3\n", "ops.yaml:1:13: error[GC103]: operations are a list"},
      {"- change_lr\n", "ops.yaml:1:3: error[GC103]: an operation is a map with name, value"},
      {entry("  trigger_loss: 2\n"),
       "ops.yaml:1:3: error[GC105]: an operation needs 'max_wait_iters'; add max_wait_iters: 1000"},
      {"- name: merge_lora_weights\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:1:3: error[GC105]: an operation needs 'value'; add value: null when it takes none"},
      {"- name: chnage_lr\n  value: 1\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:1:9: error[GC101]: no operation 'chnage_lr'; did you mean 'change_lr'?"},
      {"- name: 3\n  value: 1\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:1:9: error[GC103]: 'name' expects a string, got integer 3"},
      {"- name:\n  value: 1\n  trigger_loss: 2\n  max_wait_iters: 3\n", "ops.yaml:1:3: error[GC103]: 'name' expects a string"},
      {"- name: change_lr\n  value: fast\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:10: error[GC103]: 'value' expects a float, got string \"fast\""},
      {"- name: change_lr\n  value: null\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:1:3: error[GC105]: operation 'change_lr' needs 'value'"},
      {"- name: merge_lora_weights\n  value: 3\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:3: error[GC102]: operation 'merge_lora_weights' has no parameter 'value'"},
      {"- name: adjust_batch_size\n  value: {max_batch: 3}\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:11: error[GC102]: operation 'adjust_batch_size' has no parameter 'max_batch'; did you mean "
       "'max_batch_size'?"},
      {"- name: adjust_batch_size\n  value: {use: lora}\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:11: error[GC102]: 'use' is not one of the operation's own keys"},
      {entry("  triger_loss: 2\n  trigger_loss: 2\n  max_wait_iters: 3\n"),
       "ops.yaml:3:3: error[GC102]: an operation has no key 'triger_loss'; did you mean 'trigger_loss'?"},
      {entry("  trigger_loss: 2\n  trigger_loss: 2\n  max_wait_iters: 3\n"),
       "ops.yaml:4:3: error[GC106]: the key 'trigger_loss' is given twice"},
      {entry("  trigger_loss: low\n  max_wait_iters: 3\n"),
       "ops.yaml:3:17: error[GC103]: 'trigger_loss' expects a float or \"now\", got string \"low\""},
      {entry("  trigger_loss: .nan\n  max_wait_iters: 3\n"),
       "ops.yaml:3:17: error[GC104]: 'trigger_loss' expects a finite number"},
      {entry("  trigger_loss: null\n  max_wait_iters: 3\n"), "ops.yaml:3:3: error[GC103]: 'trigger_loss' expects a number"},
      {entry("  trigger_loss: 2\n  max_wait_iters: -3\n"), "ops.yaml:4:19: error[GC104]: 'max_wait_iters' expects 0.."},
      {entry("  trigger_loss: 2\n  max_wait_iters: 2.5\n"), "ops.yaml:4:19: error[GC103]: 'max_wait_iters' expects an integer"},
      {entry("  trigger_loss: 2\n  max_wait_iters: 3\n  completed: perhaps\n"),
       "ops.yaml:5:14: error[GC103]: 'completed' expects a boolean, got string \"perhaps\""},
      {entry("  trigger_loss: 2\n  max_wait_iters: 3\n  reevaluate: \"true\"\n"),
       "ops.yaml:5:15: error[GC103]: 'reevaluate' expects a boolean, got string \"true\""},
      {entry("  trigger_loss: 2\n  max_wait_iters: 3\n  on_error: retry\n"),
       "ops.yaml:5:13: error[GC104]: 'on_error' expects one of stop | skip, got \"retry\""},
      {entry("  trigger_loss: 2\n  max_wait_iters: 3\n  desc: [a]\n"), "ops.yaml:5:9: error[GC103]: 'desc' expects a string"},
      {entry("  trigger_loss: 0\n  max_wait_iters: 700000\n"),
       "ops.yaml:3:17: error[GC106]: operation 'change_lr' can never fire: max_wait_iters is beyond max_iters = 600000, "
       "trigger_loss = 0.0 is below every loss"},
      {entry("  trigger_loss: 0\n  max_wait_iters: .inf\n"),
       "ops.yaml:3:17: error[GC106]: operation 'change_lr' can never fire: trigger_loss"},
      {"- name: change_lr\n  value: &a [*a]\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:10: error[GC103]: 'value': more than 8 levels of lists and maps"},
      {"- name: change_lr\n  value: [1, null]\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:10: error[GC103]: 'value': null inside a list or map"},
      {"- name: change_lr\n  value: !mine 3\n  trigger_loss: 2\n  max_wait_iters: 3\n",
       "ops.yaml:2:10: error[GC103]: 'value': the tag '!mine' is not allowed here"},
  }));
  CAPTURE(text);
  const Lines lines = errors_of(text);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith(expected));
}

TEST_CASE("mistakes of the pipeline and of its operations file are told together", "[config][operations_file]") {
  Scheduled f("- name: chnage_lr\n  trigger_loss: low\n- 3\n",
              "[run]\nseed = -1\n[[stage]]\nkind = \"train\"\noperations_file = \"ops.yaml\"\nmax_iter = 3\n");
  CHECK(f.errors() ==
        Lines{"ops.yaml:1:3: error[GC105]: an operation needs 'value'; add value: null when it takes none",
              "ops.yaml:1:3: error[GC105]: an operation needs 'max_wait_iters'; add max_wait_iters: 1000, the updates to wait "
              "at most",
              "ops.yaml:1:9: error[GC101]: no operation 'chnage_lr'; did you mean 'change_lr'?",
              "ops.yaml:2:17: error[GC103]: 'trigger_loss' expects a float or \"now\", got string \"low\"",
              "ops.yaml:3:3: error[GC103]: an operation is a map with name, value, trigger_loss and max_wait_iters",
              "pipeline.toml:2:8: error[GC104]: 'seed' expects >=0, got -1",
              "pipeline.toml:6:1: error[GC102]: a train stage has no parameter 'max_iter'; did you mean 'max_iters'?"});
}

TEST_CASE("an operations file that cannot be read is a mistake where it is named", "[config][operations_file]") {
  Fixture f(kPipeline);
  CHECK(f.errors() == Lines{"pipeline.toml:3:19: error[GC109]: operations_file 'ops.yaml': no such file; it counts from the "
                            "pipeline file's folder"});
  std::filesystem::create_directory("ops.yaml");
  CHECK_THAT(f.errors().at(0), Catch::Contains("operations_file 'ops.yaml': is not a file"));
  const Lines given = f.errors({"train.operations_file=gone.json"});
  REQUIRE(given.size() == 1);
  CHECK_THAT(given[0], Catch::StartsWith("--set train.operations_file=gone.json: error[GC109]: operations_file 'gone.json'"));
  CHECK_THAT(Fixture("[[stage]]\nkind = \"sample\"\noperations_file = \"x\"\n").errors().at(0),
             Catch::Contains("no parameter"));
  CHECK_THAT(Fixture("[[stage]]\nkind = \"train\"\nwrite_back = true\n").errors().at(0),
             Catch::Contains("write_back without an operations_file"));
  CHECK_THAT(Fixture("[[stage]]\nkind = \"train\"\noperations_file = 3\n").errors().at(0), Catch::Contains("expects a path"));
}

TEST_CASE("marking an entry as completed changes nothing else of the text", "[config][operations_file]") {
  const auto [text, index, expected] = GENERATE(table<std::string, size_t, std::string>({
      {"# top\n- name: a  # one\n  value: \"8\"\n- name: b\n  value: null\n", 1,
       "# top\n- name: a  # one\n  value: \"8\"\n- completed: true\n  name: b\n  value: null\n"},
      {"-   name: a\n    completed: false  # not yet\n", 0, "-   name: a\n    completed: true  # not yet\n"},
      {"[\n\t{\"name\": \"a\"},\n\t{\"name\": \"b\"}\n]\n", 0,
       "[\n\t{\"completed\": true, \"name\": \"a\"},\n\t{\"name\": \"b\"}\n]\n"},
      {"{\"operations\": [{\"name\": \"a\", \"completed\": false}]}", 0,
       "{\"operations\": [{\"name\": \"a\", \"completed\": true}]}"},
      {"\xef\xbb\xbfoperations:\n  - name: a\n", 0, "\xef\xbb\xbfoperations:\n  - completed: true\n    name: a\n"},
      {"- name: a\r\n  value: 1\r\n", 0, "- completed: true\n  name: a\r\n  value: 1\r\n"},
      {"- name: a\n  completed: true\n", 0, "- name: a\n  completed: true\n"},
  }));
  CHECK(with_completed(text, index) == expected);
}

TEST_CASE("an entry that is gone or cannot be marked is refused", "[config][operations_file]") {
  CHECK_THROWS_WITH(with_completed("- name: a\n", 1), "entry 2 of the operations file no longer exists");
  CHECK_THROWS_AS(with_completed("- 3\n", 0), Error);
  CHECK_THROWS_AS(with_completed("- [\n", 0), Error);
  CHECK_THROWS_AS(with_completed("", 0), Error);
  CHECK_THROWS_WITH(with_completed("- &x {name: a}\n", 0), "entry 1 of the operations file cannot be marked");
  CHECK_THROWS_AS(with_completed("- name: a\n  completed:\n", 0), Error);
}
