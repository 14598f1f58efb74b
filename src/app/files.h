#pragma once

#include <string>
#include <vector>

#include "app/app.h"
#include "base/result.h"

// The files that a component's manifest shows to its guest. Blocking; not for a shard.
namespace cusp::app {

// Bound of what one component may show; kResourceExhausted beyond.
inline constexpr size_t kGuestFilesMax = 100'000;

// One file that a guest sees.
struct GuestFile {
  std::string source;       // absolute path on this machine
  std::string destination;  // absolute path in the guest, normalised: no "." or ".."
};

// Replaces every mount that is a pattern or a path of its own (no destination) by one mount for
// each file or folder that it names, and checks that the sources of the others exist. Spin's rules:
// a plain path shows the file, or all files under the folder, at the same path below "/"; a pattern
// ("*", "?", "[a-z]", "**") shows the files it matches. Errors, each with the mount's place:
// kNotFound for a path that does not exist, kInvalidArgument for a malformed pattern or one that
// leaves the app's folder, kPermissionDenied for a symbolic link that leads out of it.
Result<> expand_files(App& app);

// Every file that the mounts of a component show, by destination, without those that
// `exclude_files` hides; a later mount wins over an earlier one. `directory` is App::directory,
// where exclude patterns start. Folders are walked now: what is added to them later is not seen. As
// in Spin, links to folders are not followed and a file named by itself is never excluded. Errors
// as for expand_files(); a link to a file outside of its mount's folder is one, never silently
// skipped.
Result<std::vector<GuestFile>> list_guest_files(const Component& component,
                                                const std::string& directory);

// Builds in the empty or absent folder `target` the tree that the guest shall see as "/", from
// copies. Errors: those of list_guest_files(), kUnavailable when a copy fails.
Result<> stage_guest_files(const Component& component, const std::string& directory,
                           const std::string& target);

}  // namespace cusp::app
