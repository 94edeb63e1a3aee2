// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nir::io::pickle {

using Ref = std::uint32_t;  ///< Index into Machine's values.

enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    bytes,
    list,
    tuple,
    dict,
    global,
    storage,
    tensor,
    opaque
};

/// One value; containers refer to others by index, so that shared and circular structures cost nothing.
struct Value {
    Kind kind = Kind::none;
    std::int64_t integer = 0;  ///< boolean, integer; storage: index; tensor: offset
    double real = 0;
    std::string text;                         ///< text, bytes, global ("module name"), opaque (what it is)
    std::vector<Ref> items;                   ///< list, tuple; dict: key, value, key, value, …
    Ref storage = 0;                          ///< tensor
    std::vector<std::int64_t> shape, stride;  ///< tensor
};

/// Runs the opcodes that torch.save and pickled state dicts are made of. Nothing is ever imported or called: REDUCE
/// knows a handful of names and refuses the rest.
class Machine {
public:
    /// Persistent ids (torch storages) are handed to `persistent`, which makes a value of them.
    using Persistent = std::function<Value(const Machine&, const Value& id)>;
    explicit Machine(Persistent persistent) : persistent_(std::move(persistent)) {}

    /// Reads one pickle from the front of `bytes` and removes it. @throws Error format with the byte offset.
    Ref load(std::string_view& bytes);
    const Value& operator[](Ref r) const { return values_[r]; }
    const Value& item(const Value& v, std::size_t i) const;

private:
    Ref add(Value v);
    void push(Value v) { stack_.push_back(add(std::move(v))); }
    Ref pop();
    std::size_t pop_mark();
    std::vector<Ref> pop_to_mark();
    Value& top_container(Kind a, Kind b, const char* op);
    bool step(std::uint8_t op, std::string_view& in);
    bool step_data(std::uint8_t op, std::string_view& in);
    bool step_memo(std::uint8_t op, std::string_view& in);
    bool step_container(std::uint8_t op);
    void global(const std::string& module, const std::string& name);
    void reduce();
    void build();
    void rebuild_tensor(const Value& args);

    Persistent persistent_;
    std::vector<Value> values_;
    std::vector<Ref> stack_;
    std::vector<std::size_t> marks_;
    std::unordered_map<std::uint64_t, Ref> memo_;
};

}  // namespace nir::io::pickle
