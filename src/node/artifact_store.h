#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/engine.h"

namespace cusp::node {

// Compiled components on disk, so that a component is compiled once per node and mapped ever after.
// Machine code runs as it is: every artifact carries a MAC under the node's own key (made at the
// first start, readable by its user only) and is verified before it is handed out. Files:
// <directory>/artifacts/<sha256 of source and engine>.cwasm and .mac. Thread-safe; calls block.
// Several processes may share a directory.
class ArtifactStore {
 public:
  // Creates the folder and the key when they are missing. Errors: kUnavailable naming the path.
  static Result<std::unique_ptr<ArtifactStore>> open(const std::string& directory,
                                                     const engine::Engine& engine);

  // The path of the artifact of `wasm`, compiled now if it must be. `source` is what identifies it
  // (bytes as the developer has them and what is composed in); `make` turns it into a component
  // binary only when there is no artifact. `compiling` is told the component's size before a
  // compilation. Errors: those of `make` and of Engine::compile, and kUnavailable when it cannot be
  // written.
  Result<std::string> get(std::string_view source, const std::function<Result<std::string>()>& make,
                          const std::function<void(size_t bytes)>& compiling);

  // Where components that come from a URL are kept.
  std::string downloads() const { return directory_ + "/downloads"; }

 private:
  ArtifactStore(std::string directory, std::string key, const engine::Engine& engine);
  bool verify(const std::string& path) const;
  std::string mac(std::string_view artifact_name, std::string_view bytes) const;

  std::string directory_;
  std::string key_;
  std::string fingerprint_;
  const engine::Engine& engine_;
};

}  // namespace cusp::node
