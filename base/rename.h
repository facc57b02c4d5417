// Renames that destroy nothing: into a place that must be empty, and an exchange of two places.
#pragma once

#include <filesystem>

namespace cardiograd {

// Which system calls: kPortable does without renameat2, which some file systems do not have.
enum class RenameCalls { kBest, kPortable };

// Renames a file or folder. False, and nothing changed, when something is at `to` already. Throws Error for other
// failures. Where neither renameat2 nor hard links are known there is a moment between looking and renaming.
bool rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to,
                   RenameCalls calls = RenameCalls::kBest);

// Each takes the place of the other, in one step. False, and nothing changed, where the file system cannot or one of
// them is not there. Throws Error for other failures.
bool exchange(const std::filesystem::path& a, const std::filesystem::path& b, RenameCalls calls = RenameCalls::kBest);

// Makes renames in `folder` last: returns when they are on disk. Throws Error when the disk reports a failure; where
// folders cannot be opened or synced it does nothing.
void sync_folder(const std::filesystem::path& folder);

}  // namespace cardiograd
