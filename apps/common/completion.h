// Completion of the programs' command lines in bash and zsh, made from their options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cardiograd::apps {

// The values that an option may have, for its completion.
void set_words(const CLI::Option* option, std::vector<std::string> words);

// The script for `shell`, "bash" or "zsh", of the installed program (cardiograd-train for train): every option that
// --help lists, the words that it may be followed by, else files where it takes a text. Throws UsageError for another
// shell.
std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace cardiograd::apps
