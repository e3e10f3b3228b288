#include "analysis/file_match.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "analysis/modules.h"

namespace heapscope::analysis {
namespace {

using Names = std::vector<std::string_view>;

// Of each file of A the name of its partner, "" without one.
std::vector<std::string_view> partners(const Names& a, const Names& b) {
  std::vector<std::string_view> result;
  for (const std::uint32_t file : match_files(a, b)) result.push_back(file == kNoMatch ? "" : b[file]);
  return result;
}

TEST(FileMatch, the_same_name_is_the_same_file_whatever_else_fits) {
  EXPECT_EQ(partners({"/p/a.py", "<string>"}, {"/q/p/a.py", "/p/a.py", "<string>"}),
            (Names{"/p/a.py", "<string>"}));
}

TEST(FileMatch, packages_are_the_same_in_every_environment) {
  EXPECT_EQ(
      partners(
          {"/v1/lib/python3.11/site-packages/pandas/core/frame.py", "/usr/lib/python3.11/json/decoder.py"},
          {"/home/x/lib/python3.12/json/decoder.py", "/v2/lib/python3.12/site-packages/pandas/core/frame.py",
           "/v2/lib/python3.12/site-packages/polars/core/frame.py"}),
      (Names{"/v2/lib/python3.12/site-packages/pandas/core/frame.py",
             "/home/x/lib/python3.12/json/decoder.py"}));
}

TEST(FileMatch, a_program_is_the_same_in_another_directory) {
  EXPECT_EQ(partners({"/home/me/proj/app/models.py", "/home/me/proj/auth/models.py", "/home/me/proj/main.py"},
                     {"/ci/auth/models.py", "/ci/main.py", "/ci/app/models.py"}),
            (Names{"/ci/app/models.py", "/ci/auth/models.py", "/ci/main.py"}));
  EXPECT_EQ(partners({"work.py"}, {"/tmp/work.py"}), Names{"/tmp/work.py"});
}

TEST(FileMatch, a_tie_is_not_guessed) {
  EXPECT_EQ(partners({"/x/a.py"}, {"/y/a.py", "/z/a.py"}), Names{""});
  EXPECT_EQ(partners({"/x/a.py", "/y/a.py"}, {"/z/a.py"}), (Names{"", ""}));
}

TEST(FileMatch, files_of_other_names_or_packages_are_other_files) {
  EXPECT_EQ(partners({"/x/a.py", "/x/one/__init__.py", "<frozen os>", "/v/site-packages/x/util.py", ""},
                     {"/x/ba.py", "/x/two/__init__.py", "<frozen io>", "/home/me/util.py"}),
            (Names{"", "", "", "", ""}));
  EXPECT_EQ(partners({"/x/one/__init__.py"}, {"/y/one/__init__.py"}), Names{"/y/one/__init__.py"});
}

TEST(FileMatch, an_installed_package_is_its_checkout) {
  EXPECT_EQ(partners({"/v/site-packages/pkg/util.py"}, {"/home/me/pkg/util.py"}),
            Names{"/home/me/pkg/util.py"});
}

// By the rules as file_match.h has them, all tails as strings.
std::vector<std::uint32_t> match_plainly(const Names& a, const Names& b) {
  std::vector<std::uint32_t> result(a.size(), kNoMatch);
  std::vector<bool> out_a(a.size(), false);
  std::vector<bool> out_b(b.size(), false);
  const auto by = [&](auto key, auto least) {
    std::map<std::string, std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>> found;
    for (std::uint32_t file = 0; file < a.size(); ++file) {
      if (!out_a[file] && !key(a[file]).empty()) found[key(a[file])].first.push_back(file);
    }
    for (std::uint32_t file = 0; file < b.size(); ++file) {
      if (!out_b[file] && !key(b[file]).empty()) found[key(b[file])].second.push_back(file);
    }
    for (auto& [key_text, files] : found) {
      if (files.first.empty() || files.second.empty()) continue;
      std::erase_if(files.first,
                    [&](std::uint32_t file) { return out_a[file] = !least(a[file]), out_a[file]; });
      std::erase_if(files.second,
                    [&](std::uint32_t file) { return out_b[file] = !least(b[file]), out_b[file]; });
      if (files.first.size() == 1 && files.second.size() == 1) result[files.first[0]] = files.second[0];
      if (files.first.empty() || files.second.empty()) continue;
      for (const std::uint32_t file : files.first) out_a[file] = true;
      for (const std::uint32_t file : files.second) out_b[file] = true;
    }
  };
  const auto any = [](std::string_view) { return true; };
  by([](std::string_view name) { return std::string(name); }, any);
  for (std::size_t tail = 12; tail > 0; --tail) {
    const auto key = [&](std::string_view name) {
      if (name.empty() || name[0] == '<') return std::string();
      const std::string path = name.starts_with('/') ? std::string(name) : "/" + std::string(name);
      std::size_t at = path.size();
      for (std::size_t count = 0; count < tail; ++count) {
        if (at == 0) return std::string();
        at = path.rfind('/', at - 1);
        if (at == std::string::npos) return std::string();
      }
      return path.substr(at);
    };
    const auto least = [&](std::string_view name) {
      const std::string_view own = name.substr(name.rfind('/') + 1);
      return tail >= (own.starts_with("__init__.") || own.starts_with("__main__.") ? 2 : 1);
    };
    by(key, least);
  }
  return result;
}

TEST(FileMatch, the_empty_name_is_a_name) {
  const std::string empty;
  const Names names = {"/a.py", empty};
  EXPECT_EQ(match_files(names, names), (std::vector<std::uint32_t>{0, 1}));
}

TEST(FileMatch, random_names_are_matched_as_the_rules_say) {
  std::mt19937 engine(11);
  const auto draw = [&](std::uint32_t below) { return static_cast<std::uint32_t>(engine() % below); };
  const char* parts[] = {"a", "b", "app", "x-", "x", "__init__.py"};
  for (int round = 0; round < 3000; ++round) {
    std::map<std::string, int> names[2];
    for (auto& side : names) {
      for (std::uint32_t count = draw(9); count != 0; --count) {
        std::string name = draw(4) == 0 ? "" : "/";
        for (std::uint32_t depth = draw(4); depth != 0; --depth) name += std::string(parts[draw(5)]) + "/";
        side[name + parts[draw(6)]] = 0;
      }
      if (draw(5) == 0) side["<string>"] = 0;
    }
    Names a, b;
    for (const auto& [name, unused] : names[0]) a.push_back(name);
    for (const auto& [name, unused] : names[1]) b.push_back(name);
    const auto matched = match_files(a, b);
    EXPECT_EQ(matched, match_plainly(a, b)) << "round " << round;
    const auto back = match_files(b, a);
    for (std::uint32_t file = 0; file < a.size(); ++file) {
      if (matched[file] != kNoMatch) {
        EXPECT_EQ(back[matched[file]], file) << "round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace heapscope::analysis
