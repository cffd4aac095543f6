# Made from .ci/homebrew.rb for a release, with the checksums of its archives.
class OzoneCompose < Formula
  desc "Apache Ozone's S3 gateways behind HAProxy, as Docker Compose files"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/ozone-compose-v@VERSION@-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/ozone-compose-v@VERSION@-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/ozone-compose-v@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/ozone-compose-v@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "ozone-compose"
    man1.install Dir["man1/*.1"]
    bash_completion.install "completions/ozone-compose.bash" => "ozone-compose"
    zsh_completion.install "completions/ozone-compose.zsh" => "_ozone-compose"
    fish_completion.install "completions/ozone-compose.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/ozone-compose --version")
    system bin/"ozone-compose", "generate", "-o", "demo"
    assert_path_exists testpath/"demo/docker-compose.yaml"
  end
end
