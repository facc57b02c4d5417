#include "report/page_frame.h"

#include <fmt/format.h>

#include "report/ecg_paper.h"
#include "report/page.h"

namespace cardiograd::report {
namespace {

void add_head(Markup& page, const std::string& title) {
  page.open("head").empty("meta", {{"charset", "utf-8"}});
  // The page loads nothing and sends nothing anywhere, whatever a name in the data may have become in it.
  page.empty("meta", {{"http-equiv", "Content-Security-Policy"},
                      {"content",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
                       "base-uri 'none'; form-action 'none'"}});
  page.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  page.empty("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  page.element("title", title + " \u2013 cardiograd");
  // An icon of its own: browsers ask for favicon.ico otherwise.
  page.empty("link", {{"rel", "icon"}, {"href", "data:,"}});
  // The CDATA marks hide in comments: an XML parser needs them, an HTML parser must not see them.
  page.open("style").verbatim("/*<![CDATA[*/").verbatim(style_sheet()).verbatim(ecg_style_sheet());
  page.verbatim("/*]]>*/").close("style");
  page.close("head");
}

}  // namespace

Markup navigation_of(const std::vector<std::pair<std::string, std::string>>& sections) {
  Markup navigation;
  navigation.open("nav", {{"aria-label", "Sections"}}).open("ul");
  for (const auto& [id, heading] : sections)
    navigation.open("li").element("a", {{"href", fmt::format("#{}", id)}}, heading).close("li");
  navigation.close("ul").close("nav");
  return navigation;
}

void begin_page(Markup& page, const PageFrame& frame, const Markup& navigation) {
  page.verbatim("<!DOCTYPE html>\n");
  page.open("html", {{"lang", "en"}});
  add_head(page, frame.title);
  page.open("body").element("a", {{"class", "skip"}, {"href", "#" + frame.skip_to}}, "Skip to the summary");
  page.open("header").element("p", {{"class", "brand"}}, "cardiograd \u00b7 " + frame.brand);
  page.element("h1", frame.title);
  for (const std::string& note : frame.notes) page.element("p", {{"class", "note"}}, note);
  page.close("header");
  page.append(navigation);
  page.open("main");
}

void end_page(Markup& page, const PageFrame& frame) {
  page.close("main");
  page.element("footer", fmt::format("Research only, not a medical device. Written by cardiograd's {}.", frame.writer));
  page.element("div", {{"id", "tip"}, {"role", "status"}, {"aria-live", "polite"}, {"hidden", "hidden"}}, "");
  page.open("script").verbatim("/*<![CDATA[*/").verbatim(script()).verbatim("/*]]>*/").close("script");
  page.close("body").close("html").verbatim("\n");
}

}  // namespace cardiograd::report
