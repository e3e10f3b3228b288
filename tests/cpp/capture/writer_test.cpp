// The decision whether a capture can be the tracker's memory, and what the writer does on this machine's disk.
#include "capture/writer.h"

#include <gtest/gtest.h>
#include <linux/magic.h>

#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

TEST(Writer, a_disk_of_this_machine_keeps_what_is_stored) {
  for (const std::uint64_t type : std::initializer_list<std::uint64_t>{
           EXT4_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC})
    EXPECT_TRUE(capture::keeps_shared_stores(type)) << std::hex << type;
}

TEST(Writer, a_network_or_a_copy_on_write_does_not) {
  for (const std::uint64_t type : std::initializer_list<std::uint64_t>{
           NFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, BTRFS_SUPER_MAGIC, V9FS_MAGIC, CEPH_SUPER_MAGIC})
    EXPECT_FALSE(capture::keeps_shared_stores(type)) << std::hex << type;
  EXPECT_FALSE(capture::keeps_shared_stores(0xFF534D42));
  EXPECT_FALSE(capture::keeps_shared_stores(0x2FC12FC1));
}

TEST(Writer, a_type_that_the_kernel_gives_as_a_negative_number_is_the_same) {
  EXPECT_FALSE(
      capture::keeps_shared_stores(static_cast<std::uint64_t>(std::int64_t{std::int32_t(0xFE534D42)})));
}

// What is stored can be read from the file, at once or after write_back().
TEST(Writer, either_way_what_is_stored_comes_to_the_file) {
  const ScratchDirectory directory;
  for (const bool periodic : {false, true}) {
    if (periodic) setenv("HEAPSCOPE_PERIODIC", "1", 1);
    capture::Writer writer;
    const std::string path = directory.path(periodic ? "periodic" : "shared");
    ASSERT_EQ(writer.create(path.c_str(), false), 0);
    unsetenv("HEAPSCOPE_PERIODIC");
    EXPECT_EQ((writer.superblock()->flags & capture::kPeriodic) != 0, periodic);
    auto* chunk = static_cast<char*>(writer.add_chunk(capture::ChunkKind::kStrings, 0, 0));
    ASSERT_NE(chunk, nullptr);
    chunk[7] = 'x';
    const std::size_t at = capture::kChunkBytes + 7;
    EXPECT_EQ(read_whole(path).at(at), periodic ? '\0' : 'x');
    writer.write_back();
    EXPECT_EQ(read_whole(path).at(at), 'x');
    writer.close();
  }
}

}  // namespace
}  // namespace heapscope::tests
