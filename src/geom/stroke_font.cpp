// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "geom/stroke_font.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

namespace nir::geom {
namespace {

// One line a character: strokes separated by ';'. A stroke is a polyline "x y x y ..." or pieces joined by '@':
// "@ cx cy rx ry from to" is an arc, degrees counter-clockwise. Capitals are 6 high, small letters 4, descenders 2.
struct GlyphText {
    char character;
    const char* strokes;
};

constexpr GlyphText kGlyphs[] = {
    {'0', "@ 1.9 3 1.9 3 0 360"},
    {'1', "0.8 4.8 2.3 6 2.3 0"},
    {'2', "@ 1.9 4.2 1.8 1.8 165 -35 0 0 3.8 0"},
    {'3', "@ 1.8 4.45 1.6 1.55 150 -90 @ 1.8 1.5 1.9 1.5 85 -150"},
    {'4', "3 0 3 6 0 1.8 4.1 1.8"},
    {'5', "3.4 6 0.6 6 0.3 3.2 @ 1.8 2 1.9 2 125 -145"},
    {'6', "3.1 5.7 @ 2.6 2.9 2.6 3.1 95 180 @ 1.9 1.9 1.9 1.9 180 540"},
    {'7', "0 6 3.8 6 1.3 0"},
    {'8', "@ 1.9 4.55 1.5 1.45 -90 270 @ 1.9 1.55 1.9 1.55 90 450"},
    {'9', "0.7 0.3 @ 1.2 3.1 2.6 3.1 -85 0 @ 1.9 4.1 1.9 1.9 0 360"},
    {'A', "0 0 2.3 6 4.6 0;0.75 2 3.85 2"},
    {'B', "0 0 0 6 2 6 @ 2 4.6 1.5 1.4 90 -90 0 3.2 2.2 3.2 @ 2.2 1.6 1.8 1.6 90 -90 0 0"},
    {'C', "@ 2.5 3 2.5 3 45 315"},
    {'D', "0 0 0 6 1.6 6 @ 1.6 3 2.8 3 90 -90 0 0"},
    {'E', "3.4 6 0 6 0 0 3.4 0;0 3.1 2.9 3.1"},
    {'F', "3.4 6 0 6 0 0;0 3 2.8 3"},
    {'G', "@ 2.6 3 2.6 3 45 325 4.7 2.8 2.9 2.8"},
    {'H', "0 0 0 6;4.1 0 4.1 6;0 3.1 4.1 3.1"},
    {'I', "0.3 0 0.3 6"},
    {'J', "2.6 6 2.6 1.6 @ 1.3 1.4 1.3 1.4 0 -160"},
    {'K', "0 0 0 6;3.8 6 0 2.4;1.3 3.6 4 0"},
    {'L', "0 6 0 0 3.3 0"},
    {'M', "0 0 0 6 2.5 1.8 5 6 5 0"},
    {'N', "0 0 0 6 4.1 0 4.1 6"},
    {'O', "@ 2.7 3 2.7 3 0 360"},
    {'P', "0 0 0 6 2.1 6 @ 2.1 4.4 1.7 1.6 90 -90 0 2.8"},
    {'Q', "@ 2.7 3 2.7 3 0 360;3.3 1.4 5.2 -0.6"},
    {'R', "0 0 0 6 2.1 6 @ 2.1 4.5 1.6 1.5 90 -90 0 3;2 3 4 0"},
    {'S', "@ 1.9 4.5 1.7 1.5 40 270 @ 1.9 1.5 1.9 1.5 90 -145"},
    {'T', "0 6 4.4 6;2.2 6 2.2 0"},
    {'U', "0 6 0 2 @ 2 2 2 2 180 360 4 6"},
    {'V', "0 6 2.3 0 4.6 6"},
    {'W', "0 6 1.6 0 3.2 5.4 4.8 0 6.4 6"},
    {'X', "0 0 4.1 6;0 6 4.1 0"},
    {'Y', "0 6 2.2 3 2.2 0;2.2 3 4.4 6"},
    {'Z', "0.1 6 4 6 0 0 4.1 0"},
    {'a', "@ 1.8 2 1.8 2 0 360;3.6 4 3.6 0"},
    {'b', "0 6 0 0;@ 1.8 2 1.8 2 -180 180"},
    {'c', "@ 1.9 2 1.9 2 45 315"},
    {'d', "3.6 6 3.6 0;@ 1.8 2 1.8 2 0 360"},
    {'e', "0.1 2.1 3.6 2.1 @ 1.8 2 1.8 2 3 318"},
    {'f', "2.3 5.9 @ 1.9 4.8 1.1 1.2 80 180 0.8 0;0 3.9 2.2 3.9"},
    {'g', "@ 1.8 2 1.8 2 0 360;3.6 4 3.6 -0.2 @ 1.8 -0.2 1.8 1.8 0 -150"},
    {'h', "0 6 0 0;0 2.2 @ 1.6 2.4 1.6 1.6 180 0 3.2 0"},
    {'i', "0.3 4 0.3 0;0.3 5.6"},
    {'j', "1.2 4 1.2 -0.8 @ 0.1 -0.8 1.1 1.2 0 -90;1.2 5.6"},
    {'k', "0 6 0 0;3 4 0 1.4;1.1 2.4 3.2 0"},
    {'l', "0.3 6 0.3 1 @ 1.2 1 0.9 0.9 180 270"},
    {'m', "0 4 0 0;0 2.5 @ 1.35 2.6 1.35 1.4 180 0 2.7 0;2.7 2.6 @ 4.05 2.6 1.35 1.4 180 0 5.4 0"},
    {'n', "0 4 0 0;0 2.2 @ 1.6 2.4 1.6 1.6 180 0 3.2 0"},
    {'o', "@ 1.9 2 1.9 2 0 360"},
    {'p', "0 4 0 -2;@ 1.8 2 1.8 2 -180 180"},
    {'q', "3.6 4 3.6 -2;@ 1.8 2 1.8 2 0 360"},
    {'r', "0 4 0 0;0 2.2 @ 1.5 2.4 1.5 1.6 180 70"},
    {'s', "@ 1.55 3 1.3 1 30 270 @ 1.55 1 1.5 1 90 -150"},
    {'t', "0.8 5.4 0.8 1 @ 1.8 1 1 1 180 290;0 3.9 2.1 3.9"},
    {'u', "0 4 0 1.6 @ 1.6 1.6 1.6 1.6 180 360;3.2 4 3.2 0"},
    {'v', "0 4 1.7 0 3.4 4"},
    {'w', "0 4 1.25 0 2.5 3.7 3.75 0 5 4"},
    {'x', "0 0 3.1 4;0 4 3.1 0"},
    {'y', "0 4 1.7 0;3.4 4 1.2 -1.4 0.3 -2"},
    {'z', "0.1 4 3 4 0 0 3.1 0"},
    {'.', "0.3 0.1"},
    {',', "0.5 0.2 0 -1.1"},
    {':', "0.3 0.4;0.3 3.6"},
    {';', "0.5 0.2 0 -1.1;0.5 3.6"},
    {'-', "0 2.2 2.2 2.2"},
    {'+', "0 2.4 3.2 2.4;1.6 4 1.6 0.8"},
    {'=', "0 3.1 3.2 3.1;0 1.5 3.2 1.5"},
    {'/', "0 -0.6 2.4 6.4"},
    {'%', "@ 1 4.7 1 1.2 0 360;@ 4.2 1.2 1 1.2 0 360;4.2 6 1 0"},
    {'(', "@ 3 2.7 3 4.2 130 230"},
    {')', "@ -1.6 2.7 3 4.2 -50 50"},
    {'[', "1.3 6.6 0 6.6 0 -1 1.3 -1"},
    {']', "0 6.6 1.3 6.6 1.3 -1 0 -1"},
    {'<', "3 4.2 0 2.4 3 0.6"},
    {'>', "0 4.2 3 2.4 0 0.6"},
    {'_', "0 -1 3.6 -1"},
    {'\'', "0.2 6.2 0.2 4.6"},
    {'"', "0.2 6.2 0.2 4.6;1.4 6.2 1.4 4.6"},
    {'!', "0.3 6 0.3 1.9;0.3 0.1"},
    {'?', "@ 1.5 4.5 1.5 1.5 170 -50 1.5 2.7 1.5 1.9;1.5 0.1"},
    {'#', "1.1 0 1.7 6;2.9 0 3.5 6;0.2 4 4.4 4;0 2 4.2 2"},
    {'*', "1.3 5.8 1.3 3.2;0.2 5.1 2.4 3.9;2.4 5.1 0.2 3.9"},
    {'|', "0.2 6.6 0.2 -1"},
    {'~', "0 2 @ 0.9 2 0.9 0.7 180 0 @ 2.7 2 0.9 0.7 180 360"},
};

class StrokeParser {
public:
    explicit StrokeParser(std::string_view text) : text_(text) {}

    std::vector<Stroke> run() {
        std::vector<Stroke> out(1);
        for (;;) {
            skip_spaces();
            if (text_.empty()) return out;
            if (text_.front() == ';') {
                out.emplace_back(), text_.remove_prefix(1);
            } else if (text_.front() == '@') {
                text_.remove_prefix(1);
                add_arc(out.back());
            } else {
                const double x = number();
                out.back().push_back({x, number()});
            }
        }
    }

private:
    void skip_spaces() {
        while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    }
    double number() {
        skip_spaces();
        double v = 0.0;
        const auto r = std::from_chars(text_.data(), text_.data() + text_.size(), v);
        text_.remove_prefix(static_cast<std::size_t>(r.ptr - text_.data()));
        return v;
    }
    void add_arc(Stroke& s) {
        const double cx = number(), cy = number(), rx = number(), ry = number(), from = number(), to = number();
        const int n = std::max(2, static_cast<int>(std::abs(to - from) / 12.0));
        for (int i = 0; i <= n; ++i) {
            const double a = (from + (to - from) * i / n) * std::numbers::pi / 180.0;
            s.push_back({cx + rx * std::cos(a), cy + ry * std::sin(a)});
        }
    }

    std::string_view text_;
};

std::array<Glyph, 128> make_font() {
    constexpr double kGap = 1.5;
    std::array<Glyph, 128> font;
    font.fill({{{{0, 0}, {3, 0}, {3, 6}, {0, 6}, {0, 0}}}, 3.0 + kGap});
    font[' '] = {{}, 2.6};
    for (const auto& g : kGlyphs) {
        auto strokes = StrokeParser(g.strokes).run();
        double width = 0.0;
        for (const auto& s : strokes)
            for (const auto& p : s) width = std::max(width, p.x);
        font[static_cast<std::size_t>(g.character)] = {std::move(strokes), width + kGap};
    }
    // Figures of equal width, so that counts line up.
    for (char c = '0'; c <= '9'; ++c) font[static_cast<std::size_t>(c)].advance = 3.8 + kGap;
    return font;
}

}  // namespace

const Glyph& glyph_of(char c) {
    static const std::array<Glyph, 128> kFont = make_font();
    const auto i = static_cast<unsigned char>(c);
    return kFont[i < 128 ? i : 0];
}

}  // namespace nir::geom
