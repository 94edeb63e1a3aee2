// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "io/pickle.h"

#include "nir/base/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace nir::io::pickle {
namespace {

constexpr std::size_t kMostValues = 20'000'000;

std::string_view take(std::string_view& in, std::uint64_t n) {
    if (n > in.size()) fail(ErrorKind::format, "the pickle ends in the middle of a value");
    const std::string_view out = in.substr(0, static_cast<std::size_t>(n));
    in.remove_prefix(static_cast<std::size_t>(n));
    return out;
}

std::uint64_t little(std::string_view& in, std::size_t n) {
    const std::string_view bytes = take(in, n);
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i) v |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    return v;
}

std::string line(std::string_view& in) {
    const std::size_t end = in.find('\n');
    if (end == std::string_view::npos) fail(ErrorKind::format, "the pickle ends in the middle of a name");
    const std::string out(take(in, end));
    in.remove_prefix(1);
    return out;
}

Value integer(std::int64_t i) {
    return {.kind = Kind::integer, .integer = i, .text = {}, .items = {}, .shape = {}, .stride = {}};
}
Value boolean(bool b) {
    return {.kind = Kind::boolean, .integer = b, .text = {}, .items = {}, .shape = {}, .stride = {}};
}
Value real(double d) { return {.kind = Kind::real, .real = d, .text = {}, .items = {}, .shape = {}, .stride = {}}; }
Value text(Kind kind, std::string_view s) {
    return {.kind = kind, .text = std::string(s), .items = {}, .shape = {}, .stride = {}};
}
Value container(Kind kind, std::vector<Ref> items = {}) {
    return {.kind = kind, .text = {}, .items = std::move(items), .shape = {}, .stride = {}};
}

/// Two's complement, little endian; longer numbers than int64 keep their bytes as an opaque value.
Value long_integer(std::string_view bytes) {
    if (bytes.size() > 8) return text(Kind::opaque, bytes);
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) v |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    if (!bytes.empty() && bytes.size() < 8 && (static_cast<std::uint8_t>(bytes.back()) & 0x80))
        v |= ~std::uint64_t{0} << (8 * bytes.size());
    return integer(static_cast<std::int64_t>(v));
}

double big_endian_double(std::string_view b) {
    std::uint64_t bits = 0;
    for (const char c : b) bits = bits << 8 | static_cast<std::uint8_t>(c);
    return std::bit_cast<double>(bits);
}

constexpr std::array<std::string_view, 6> kStorages{"torch.FloatStorage",    "torch.DoubleStorage", "torch.HalfStorage",
                                                    "torch.BFloat16Storage", "torch.LongStorage",   "torch.IntStorage"};
constexpr std::array<std::string_view, 4> kSmallStorages{"torch.ShortStorage", "torch.CharStorage", "torch.ByteStorage",
                                                         "torch.BoolStorage"};
constexpr std::array<std::string_view, 9> kCallables{"collections.OrderedDict",
                                                     "torch._utils._rebuild_tensor_v2",
                                                     "torch._utils._rebuild_parameter",
                                                     "torch._utils._rebuild_tensor",
                                                     "numpy.core.multiarray.scalar",
                                                     "numpy._core.multiarray.scalar",
                                                     "numpy.dtype",
                                                     "_codecs.encode",
                                                     "torch.Size"};

template <class Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// numpy.core.multiarray.scalar(dtype, bytes): a number of NumPy, as training loops store them.
Value numpy_scalar(const Value& dtype, const Value& data) {
    const std::string& type = dtype.text;
    const auto as = [&]<class T>(T) {
        if (data.text.size() != sizeof(T)) fail(ErrorKind::format, "a numpy number of {} bytes", data.text.size());
        T v;
        std::memcpy(&v, data.text.data(), sizeof v);
        return v;
    };
    if (type == "f8") return real(as(double{}));
    if (type == "f4") return real(static_cast<double>(as(float{})));
    if (type == "i8") return integer(as(std::int64_t{}));
    if (type == "i4") return integer(as(std::int32_t{}));
    if (type == "b1") return boolean(as(char{}) != 0);
    fail(ErrorKind::format, "a numpy number of type \"{}\" is not supported", type);
}

/// Python writes bytes in protocol 2 as text whose code points are the bytes.
std::string latin1(std::string_view utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(utf8[i]);
        if (c < 0x80) {
            out.push_back(utf8[i]);
        } else if ((c == 0xC2 || c == 0xC3) && i + 1 < utf8.size()) {
            out.push_back(static_cast<char>((c & 3) << 6 | (static_cast<std::uint8_t>(utf8[++i]) & 0x3F)));
        } else {
            fail(ErrorKind::format, "bytes written as text hold a character beyond 255");
        }
    }
    return out;
}

std::vector<std::int64_t> integers(const Machine& m, const Value& v, const char* what) {
    if (v.kind != Kind::tuple && v.kind != Kind::list) fail(ErrorKind::format, "the {} of a tensor is no tuple", what);
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < v.items.size(); ++i) {
        const Value& n = m.item(v, i);
        if (n.kind != Kind::integer || n.integer < 0) fail(ErrorKind::format, "the {} of a tensor is no size", what);
        out.push_back(n.integer);
    }
    return out;
}

}  // namespace

const Value& Machine::item(const Value& v, std::size_t i) const {
    if (i >= v.items.size()) fail(ErrorKind::format, "the pickle has a value with too few parts");
    return values_[v.items[i]];
}

Ref Machine::add(Value v) {
    if (values_.size() >= kMostValues) fail(ErrorKind::format, "the pickle holds more than {} values", kMostValues);
    values_.push_back(std::move(v));
    return static_cast<Ref>(values_.size() - 1);
}

Ref Machine::pop() {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) fail(ErrorKind::format, "the pickle takes more values than it has");
    const Ref r = stack_.back();
    stack_.pop_back();
    return r;
}

std::size_t Machine::pop_mark() {
    if (marks_.empty()) fail(ErrorKind::format, "the pickle closes what it did not open");
    const std::size_t m = marks_.back();
    marks_.pop_back();
    return m;
}

std::vector<Ref> Machine::pop_to_mark() {
    const std::size_t m = pop_mark();
    std::vector<Ref> out(stack_.begin() + static_cast<std::ptrdiff_t>(m), stack_.end());
    stack_.resize(m);
    return out;
}

Value& Machine::top_container(Kind a, Kind b, const char* op) {
    if (stack_.empty()) fail(ErrorKind::format, "{} without a container", op);
    Value& v = values_[stack_.back()];
    if (v.kind != a && v.kind != b) fail(ErrorKind::format, "{} on something else", op);
    return v;
}

bool Machine::step_data(std::uint8_t op, std::string_view& in) {
    switch (op) {
        case 'N':
            push({});
            return true;
        case 0x88:
            push(boolean(true));
            return true;
        case 0x89:
            push(boolean(false));
            return true;
        case 'J':
            push(integer(static_cast<std::int32_t>(little(in, 4))));
            return true;
        case 'K':
            push(integer(static_cast<std::int64_t>(little(in, 1))));
            return true;
        case 'M':
            push(integer(static_cast<std::int64_t>(little(in, 2))));
            return true;
        case 0x8a:
            push(long_integer(take(in, little(in, 1))));
            return true;
        case 0x8b:
            push(long_integer(take(in, little(in, 4))));
            return true;
        case 'G':
            push(real(big_endian_double(take(in, 8))));
            return true;
        case 'X':
            push(text(Kind::text, take(in, little(in, 4))));
            return true;
        case 0x8c:
            push(text(Kind::text, take(in, little(in, 1))));
            return true;
        case 0x8d:
            push(text(Kind::text, take(in, little(in, 8))));
            return true;
        case 'U':
            push(text(Kind::text, take(in, little(in, 1))));
            return true;
        case 'T':
            push(text(Kind::text, take(in, little(in, 4))));
            return true;
        case 'C':
            push(text(Kind::bytes, take(in, little(in, 1))));
            return true;
        case 'B':
            push(text(Kind::bytes, take(in, little(in, 4))));
            return true;
        default:
            return false;
    }
}

bool Machine::step_memo(std::uint8_t op, std::string_view& in) {
    const auto put = [&](std::uint64_t key) {
        if (stack_.empty()) fail(ErrorKind::format, "the pickle remembers a value it does not have");
        memo_[key] = stack_.back();
    };
    const auto get = [&](std::uint64_t key) {
        const auto it = memo_.find(key);
        if (it == memo_.end()) fail(ErrorKind::format, "the pickle refers to value {}, which is not there", key);
        stack_.push_back(it->second);
    };
    switch (op) {
        case 'q':
            put(little(in, 1));
            return true;
        case 'r':
            put(little(in, 4));
            return true;
        case 0x94:
            put(memo_.size());
            return true;
        case 'h':
            get(little(in, 1));
            return true;
        case 'j':
            get(little(in, 4));
            return true;
        default:
            return false;
    }
}

bool Machine::step_container(std::uint8_t op) {
    const auto tuple = [&](std::size_t n) {
        std::vector<Ref> items(n);
        for (std::size_t i = n; i-- > 0;) items[i] = pop();
        push(container(Kind::tuple, std::move(items)));
    };
    switch (op) {
        case '(':
            marks_.push_back(stack_.size());
            return true;
        case ')':
            tuple(0);
            return true;
        case 0x85:
            tuple(1);
            return true;
        case 0x86:
            tuple(2);
            return true;
        case 0x87:
            tuple(3);
            return true;
        case 't':
            push(container(Kind::tuple, pop_to_mark()));
            return true;
        case ']':
            push(container(Kind::list));
            return true;
        case 'l':
            push(container(Kind::list, pop_to_mark()));
            return true;
        case '}':
            push(container(Kind::dict));
            return true;
        case 'a': {
            const Ref r = pop();
            top_container(Kind::list, Kind::list, "APPEND").items.push_back(r);
            return true;
        }
        case 'e': {
            const auto more = pop_to_mark();
            auto& items = top_container(Kind::list, Kind::list, "APPENDS").items;
            items.insert(items.end(), more.begin(), more.end());
            return true;
        }
        case 's': {
            const Ref value = pop(), key = pop();
            auto& items = top_container(Kind::dict, Kind::dict, "SETITEM").items;
            items.push_back(key), items.push_back(value);
            return true;
        }
        case 'u': {
            const auto more = pop_to_mark();
            if (more.size() % 2 != 0) fail(ErrorKind::format, "a dictionary has a key without a value");
            auto& items = top_container(Kind::dict, Kind::dict, "SETITEMS").items;
            items.insert(items.end(), more.begin(), more.end());
            return true;
        }
        default:
            return false;
    }
}

void Machine::global(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    if (!contains(kStorages, full) && !contains(kSmallStorages, full) && !contains(kCallables, full))
        fail(ErrorKind::format, "the file wants to run \"{}\", which a state dict does not need; refused", full);
    push(text(Kind::global, full));
}

void Machine::rebuild_tensor(const Value& args) {
    const Value& storage = item(args, 0);
    const Value& offset = item(args, 1);
    if (storage.kind != Kind::storage || offset.kind != Kind::integer || offset.integer < 0)
        fail(ErrorKind::format, "a tensor without a storage");
    Value t;
    t.kind = Kind::tensor;
    t.storage = args.items[0];
    t.integer = offset.integer;
    t.shape = integers(*this, item(args, 2), "shape");
    t.stride = integers(*this, item(args, 3), "stride");
    if (t.shape.size() != t.stride.size())
        fail(ErrorKind::format, "a tensor with {} sizes and {} strides", t.shape.size(), t.stride.size());
    push(std::move(t));
}

void Machine::reduce() {
    const Value args = values_[pop()];
    const Value callable = values_[pop()];
    if (callable.kind != Kind::global || args.kind != Kind::tuple)
        fail(ErrorKind::format, "the pickle calls what is no function");
    const std::string& f = callable.text;
    if (f == "collections.OrderedDict") {
        Value dict = container(Kind::dict);
        if (!args.items.empty()) {  // a list of pairs
            const Value& pairs = item(args, 0);
            for (std::size_t i = 0; i < pairs.items.size(); ++i) {
                const Value& pair = item(pairs, i);
                if (pair.items.size() != 2) fail(ErrorKind::format, "a dictionary made of something else than pairs");
                dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
            }
        }
        push(std::move(dict));
    } else if (f == "torch._utils._rebuild_tensor_v2" || f == "torch._utils._rebuild_tensor") {
        rebuild_tensor(args);
    } else if (f == "torch._utils._rebuild_parameter") {
        item(args, 0);
        stack_.push_back(args.items[0]);
    } else if (f.ends_with("multiarray.scalar")) {
        push(numpy_scalar(item(args, 0), item(args, 1)));
    } else if (f == "numpy.dtype") {
        push(text(Kind::opaque, item(args, 0).text));
    } else if (f == "_codecs.encode") {
        push(text(Kind::bytes, latin1(item(args, 0).text)));
    } else if (f == "torch.Size") {
        push(container(Kind::tuple, item(args, 0).items));
    } else {
        fail(ErrorKind::format, "the file wants to call \"{}\"; refused", f);
    }
}

/// BUILD sets attributes. State dicts use it for `_metadata` of an OrderedDict and the byte order of a dtype: skipped.
void Machine::build() {
    const Value state = values_[pop()];
    if (stack_.empty()) fail(ErrorKind::format, "BUILD without an object");
    const Value& object = values_[stack_.back()];
    if (object.kind == Kind::opaque) {
        if (state.items.size() > 1 && item(state, 1).text == ">")
            fail(ErrorKind::format, "a big-endian numpy number is not supported");
    } else if (object.kind != Kind::dict) {
        fail(ErrorKind::format, "BUILD on something that has no attributes here");
    }
}

bool Machine::step(std::uint8_t op, std::string_view& in) {
    if (step_data(op, in) || step_memo(op, in) || step_container(op)) return true;
    switch (op) {
        case 0x80:
            if (const auto version = little(in, 1); version > 5)
                fail(ErrorKind::format, "pickle protocol {} is unknown", version);
            return true;
        case 0x95:
            little(in, 8);
            return true;  // FRAME
        case '0':
            pop();
            return true;
        case '1':
            stack_.resize(pop_mark());
            return true;
        case 'c': {
            const std::string module = line(in);
            global(module, line(in));
            return true;
        }
        case 0x93: {
            const std::string name = values_[pop()].text, module = values_[pop()].text;
            global(module, name);
            return true;
        }
        case 'R':
            reduce();
            return true;
        case 'b':
            build();
            return true;
        case 'Q': {
            const Value id = values_[pop()];
            push(persistent_(*this, id));
            return true;
        }
        default:
            return false;
    }
}

Ref Machine::load(std::string_view& bytes) {
    const std::size_t size = bytes.size();
    stack_.clear(), marks_.clear(), memo_.clear();
    for (;;) {
        const std::size_t at = size - bytes.size();
        try {
            const auto op = static_cast<std::uint8_t>(take(bytes, 1)[0]);
            if (op == '.') return pop();
            if (!step(op, bytes)) fail(ErrorKind::format, "opcode 0x{:02x} is not one that state dicts need", op);
        } catch (Error& e) {
            e.add_context(fmt::format("pickle, byte {}", at));
            throw;
        }
    }
}

}  // namespace nir::io::pickle
