#include "analysis/modules.h"

#include <gtest/gtest.h>

namespace heapscope::analysis {
namespace {

TEST(Modules, below_site_packages_the_path_is_the_name) {
  EXPECT_EQ(module_of("/venv/lib/python3.11/site-packages/pandas/core/frame.py"), "pandas.core.frame");
  EXPECT_EQ(module_of("/usr/lib/python3/dist-packages/yaml/__init__.py"), "yaml");
  EXPECT_EQ(module_of("/venv/lib/python3.11/site-packages/six.py"), "six");
}

TEST(Modules, the_standard_library_has_its_plain_names) {
  EXPECT_EQ(module_of("/usr/lib/python3.12/json/decoder.py"), "json.decoder");
  EXPECT_EQ(module_of("/usr/lib/python3.12/json/__init__.py"), "json");
  EXPECT_EQ(module_of("/opt/lib/python3.13/lib-dynload/_json.so"), "_json");
  EXPECT_EQ(module_of("<frozen importlib._bootstrap>"), "importlib._bootstrap");
}

TEST(Modules, an_archive_is_a_directory) {
  EXPECT_EQ(module_of("/usr/lib/python311.zip/json/decoder.py"), "json.decoder");
  EXPECT_EQ(module_of("/home/me/app.zip/tool/__main__.py"), "tool.__main__");
}

TEST(Modules, any_other_file_is_its_own_name) {
  EXPECT_EQ(module_of("/home/me/script.py"), "script");
  EXPECT_EQ(module_of("script.py"), "script");
  EXPECT_EQ(module_of("/home/me/package/__init__.py"), "package");
  EXPECT_EQ(module_of("/home/me/tool"), "tool");
  EXPECT_EQ(module_of("/home/me/lib/pythonic/x.py"), "x");
}

TEST(Modules, what_is_no_file_stays_as_it_is) {
  EXPECT_EQ(module_of("<string>"), "<string>");
  EXPECT_EQ(module_of("<stdin>"), "<stdin>");
  EXPECT_EQ(module_of(""), "");
  EXPECT_EQ(module_of("/"), "/");
  EXPECT_EQ(module_of("<frozen "), "<frozen ");
}

}  // namespace
}  // namespace heapscope::analysis
