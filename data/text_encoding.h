// Text files in other encodings than UTF-8, and characters that mean a blank or a minus sign.
#pragma once

#include <string>
#include <string_view>

namespace cardiograd::data {

// Whether the bytes are UTF-16: they begin with its byte order mark, or every other one is 0.
bool is_utf16(std::string_view bytes);

// UTF-8 without byte order mark, from UTF-8, UTF-16 or Latin-1; line ends become "\n". What needs no change is not
// copied: the result refers to `bytes` or to `storage`.
std::string_view utf8_text(std::string_view bytes, std::string& storage);

// The same with a plain blank for each no-break space and "-" for each minus sign and en dash of Unicode, as word
// processors and spreadsheets write them.
std::string_view plain_text(std::string_view bytes, std::string& storage);

}  // namespace cardiograd::data
