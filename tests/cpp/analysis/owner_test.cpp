#include "analysis/owner.h"

#include <gtest/gtest.h>

namespace heapscope::analysis {
namespace {

struct Expected {
  std::string_view file;
  Owner owner;
  std::string_view module;
  std::string_view distribution{};
};

void expect(std::initializer_list<Expected> all) {
  for (const Expected& each : all) {
    const Origin origin = origin_of(each.file);
    EXPECT_EQ(owner_name(origin.owner), owner_name(each.owner)) << each.file;
    EXPECT_EQ(origin.module, each.module) << each.file;
    EXPECT_EQ(origin.distribution, each.distribution) << each.file;
  }
}

TEST(Owner, what_lies_under_site_packages_is_the_library_of_its_top_level_package) {
  expect({
      {"/venv/lib/python3.11/site-packages/pandas/core/frame.py", Owner::kLibrary, "pandas.core.frame",
       "pandas"},
      {"/venv/lib/python3.13t/site-packages/six.py", Owner::kLibrary, "six", "six"},
      {"/usr/lib/python3/dist-packages/yaml/__init__.py", Owner::kLibrary, "yaml", "yaml"},
      {"/usr/local/lib/python3.11/dist-packages/google/protobuf/x.py", Owner::kLibrary, "google.protobuf.x",
       "google"},
      {"site-packages/a/b.py", Owner::kLibrary, "a.b", "a"},
      {"/v/site-packages//a//b.py", Owner::kLibrary, "a.b", "a"},
      {"/v/site-packages/a.cpython-311-x86_64-linux-gnu.so", Owner::kLibrary,
       "a.cpython-311-x86_64-linux-gnu", "a"},
  });
}

TEST(Owner, eggs_and_wheels_are_libraries_wherever_they_lie) {
  expect({
      {"/v/site-packages/foo-1.0-py3.11.egg/foo/x.py", Owner::kLibrary, "foo.x", "foo"},
      {"/home/me/.pex/wheels/1f/requests-2.31-py3-none-any.whl/requests/api.py", Owner::kLibrary,
       "requests.api", "requests"},
      {"/v/lib/python3.11/site-packages/foo.zip/foo/x.py", Owner::kLibrary, "foo.x", "foo"},
  });
}

TEST(Owner, the_standard_library_is_the_interpreters) {
  expect({
      {"/usr/lib/python3.12/json/decoder.py", Owner::kInterpreter, "json.decoder"},
      {"/opt/lib64/python3.14t/threading.py", Owner::kInterpreter, "threading"},
      {"/usr/lib/python311.zip/json/decoder.py", Owner::kInterpreter, "json.decoder"},
      {"/opt/lib/python3.13/lib-dynload/_json.so", Owner::kInterpreter, "_json"},
      {"<frozen runpy>", Owner::kInterpreter, "runpy"},
      {"/usr/lib/python3.12/importlib/metadata/__init__.py", Owner::kInterpreter, "importlib.metadata"},
  });
}

TEST(Owner, the_import_machinery_is_told_apart_from_the_rest_of_the_interpreter) {
  expect({
      {"<frozen importlib._bootstrap>", Owner::kImport, "importlib._bootstrap"},
      {"<frozen importlib._bootstrap_external>", Owner::kImport, "importlib._bootstrap_external"},
      {"<frozen zipimport>", Owner::kImport, "zipimport"},
      {"/usr/lib/python3.12/importlib/__init__.py", Owner::kImport, "importlib"},
      {"/usr/lib/python3.10/importlib/_bootstrap.py", Owner::kImport, "importlib._bootstrap"},
      {"/home/me/importlib/__init__.py", Owner::kProgram, "importlib"},
      {"/v/lib/python3.11/site-packages/importlib/__init__.py", Owner::kLibrary, "importlib", "importlib"},
  });
}

TEST(Owner, everything_else_is_the_program) {
  expect({
      {"/home/me/work.py", Owner::kProgram, "work"},
      {"work.py", Owner::kProgram, "work"},
      {"/home/me/app.zip/tool/__main__.py", Owner::kProgram, "tool.__main__"},
      {"/home/me/tool.pyz/tool/x.py", Owner::kProgram, "tool.x"},
      {"/home/me/venv/bin/serve", Owner::kProgram, "serve"},
      {"/home/me/site-packages", Owner::kProgram, "site-packages"},
      {"/home/me/my-site-packages/x.py", Owner::kProgram, "x"},
      {"/home/me/lib/pythonic/x.py", Owner::kProgram, "x"},
      {"/home/me/lib/pythont/x.py", Owner::kProgram, "x"},
      {"<string>", Owner::kProgram, "<string>"},
      {"<stdin>", Owner::kProgram, "<stdin>"},
      {"<ipython-input-1-0f>", Owner::kProgram, "<ipython-input-1-0f>"},
  });
}

TEST(Owner, code_outside_of_python_is_the_interpreters) {
  expect({
      {"", Owner::kInterpreter, ""},
      {"<native>", Owner::kInterpreter, "<native>"},
      {"<unknown>", Owner::kInterpreter, "<unknown>"},
  });
}

TEST(Owner, a_windows_path_has_backslashes_between_its_directories_and_others_have_not) {
  expect({
      {R"(C:\Python311\Lib\json\decoder.py)", Owner::kInterpreter, "json.decoder"},
      {R"(C:\venv\Lib\Site-Packages\numpy\core\__init__.py)", Owner::kLibrary, "numpy.core", "numpy"},
      {R"(\\server\share\work.py)", Owner::kProgram, "work"},
      {R"(C:\code\Lib\work.py)", Owner::kProgram, "work"},
      {R"(/home/me/a\site-packages\b.py)", Owner::kProgram, R"(a\site-packages\b)"},
  });
}

TEST(Owner, hostile_names_have_an_answer_too) {
  expect({
      {"/", Owner::kProgram, "/"},
      {"////", Owner::kProgram, "////"},
      {"/v/site-packages/", Owner::kLibrary, "/v/site-packages/", ""},
      {"<", Owner::kProgram, "<"},
      {"<frozen ", Owner::kInterpreter, "<frozen "},
      {"<frozen importlib._bootstrap", Owner::kInterpreter, "<frozen importlib._bootstrap"},
      {std::string_view("/a\0b/c.py", 9), Owner::kProgram, "c"},
      {"/v/site-packages/<script>alert(1)</script>/x.py", Owner::kLibrary, "<script>alert(1)<.script>.x",
       "<script>alert(1)<"},
  });
  const std::string deep(20'000, '/');
  EXPECT_EQ(origin_of(deep).owner, Owner::kProgram);
  const std::string long_name = "/v/site-packages/" + std::string(10'000, 'x') + "/y.py";
  EXPECT_EQ(origin_of(long_name).distribution.size(), 10'000U);
}

TEST(Owner, every_file_of_a_capture_has_its_origin) {
  capture::Capture capture;
  capture.strings = {"", "work.py", "f", "/v/site-packages/numpy/x.py", "<frozen importlib._bootstrap>"};
  capture.codes = {{0, 0, 0, 0}, {2, 2, 1, 1}, {2, 2, 3, 1}, {2, 2, 4, 1}, {2, 2, 1, 9}};
  for (std::uint32_t code = 0; code < capture.codes.size(); ++code)
    capture.frames.push_back({code, 1, 1, -1, -1});
  capture.nodes = {{0, 0}, {0, 2}};
  const Owners owners(capture);
  EXPECT_EQ(owners.of_file(1).owner, Owner::kProgram);
  EXPECT_EQ(owners.of_file(3).distribution, "numpy");
  EXPECT_EQ(owners.of_frame(3).owner, Owner::kImport);
  EXPECT_EQ(owners.of_frame(4).module, "work");
  EXPECT_EQ(owners.of_node(1).distribution, "numpy");
  EXPECT_EQ(owners.of_file(2).owner, Owner::kInterpreter) << "a string that is no file's name";
  EXPECT_EQ(owners.of_frame(0).owner, Owner::kInterpreter);
}

}  // namespace
}  // namespace heapscope::analysis
