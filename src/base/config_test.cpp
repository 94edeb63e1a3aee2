// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the nir developers
#include "nir/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace nir {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

enum class Reduce { mean, max };

struct PointnetConfig {
    int plane_resolution = 64;
    Reduce reduce = Reduce::mean;
    void describe(ConfigVisitor& v) {
        v.field("plane_resolution", plane_resolution, {.min = 4, .max = 1024, .unit = "cells"}, "cells a side");
        v.choice("reduce", reduce, {{"mean", Reduce::mean}, {"max", Reduce::max}}, "how points of a cell are joined");
    }
};
struct ResnetConfig {
    double width = 1.5;
    void describe(ConfigVisitor& v) { v.field("width", width, {.above = 0}, "width factor"); }
};

std::span<const ConfigAlternative> encoders() {
    static const ConfigAlternative rows[] = {config_alternative<PointnetConfig>("pointnet_local", "local PointNet"),
                                             config_alternative<ResnetConfig>("resnet", "a picture")};
    return rows;
}

struct TrainConfig {
    bool shuffle = true;
    int batch_size = 32;
    std::int64_t seed = 0;
    float lr = 0.1f;
    double decay = 1e-9;
    std::string device = "auto", note = "plain \"text\"\n\ttab";
    std::vector<int> steps = {1, 2};
    std::vector<double> size = {1.0, 2.0, 3.0};
    std::vector<std::string> planes = {"xz", "xy"};
    void describe(ConfigVisitor& v) {
        v.field("shuffle", shuffle, "new order each epoch");
        v.field("batch_size", batch_size, {.min = 1, .max = 4096}, "items a step");
        v.field("seed", seed, "first state of the generator");
        v.field("lr", lr, {.max = 1, .above = 0}, "learning rate");
        v.field("decay", decay, {.min = 0}, "weight decay");
        v.choice("device", device, {"auto", "cpu", "cuda"}, "where to compute");
        v.field("note", note, "any text");
        v.field("steps", steps, {.min = 0, .max_count = 4}, "milestones");
        v.field("size", size, {.min_count = 3, .max_count = 3}, "box");
        v.choice("planes", planes, {"xz", "xy", "yz"}, "feature planes");
        v.check(batch_size != 13, "batch_size", "batch_size 13 brings bad luck; take 12");
    }
};

struct RunConfig {
    TrainConfig train;
    AnyConfig encoder{encoders(), "pointnet_local"};
    void describe(ConfigVisitor& v) {
        v.table("train", train, "the loop");
        v.table("encoder", encoder, "the encoder");
    }
};

std::string message_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::config);
        EXPECT_EQ(e.exit_code(), 2);
        return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
}
std::string parse_message(std::string_view toml) {
    return message_of([&] { (void)parse_config<RunConfig>(Config::parse(toml, "mine.toml")); });
}

class ConfigFiles : public testing::Test {
protected:
    void SetUp() override {
        dir_ = fs::temp_directory_path() / fmt::format("nir_config_{}", std::random_device{}());
        fs::create_directories(dir_ / "sub");
    }
    void TearDown() override { fs::remove_all(dir_); }
    std::string write(const std::string& name, std::string_view text) {
        std::ofstream(dir_ / name) << text;
        return (dir_ / name).string();
    }
    fs::path dir_;
};

TEST(Config, DefaultsWhenEmpty) {
    const auto c = parse_config<RunConfig>(Config::parse(""));
    EXPECT_EQ(c.train.batch_size, 32);
    EXPECT_EQ(c.encoder.get<PointnetConfig>().plane_resolution, 64);
}

TEST(Config, ReadsEveryType) {
    const auto c = parse_config<RunConfig>(Config::parse(R"(
[train]
shuffle = false
batch_size = 7
seed = 9007199254740993
lr = 1
decay = 2.5e-3
device = "cpu"
steps = [10, 20, 30]
size = [1, 2.5, -3]
planes = ["yz"]
[encoder]
name = "resnet"
width = 0.25
)"));
    EXPECT_FALSE(c.train.shuffle);
    EXPECT_EQ(c.train.batch_size, 7);
    EXPECT_EQ(c.train.seed, 9007199254740993);
    EXPECT_EQ(c.train.lr, 1.0f);
    EXPECT_EQ(c.train.decay, 2.5e-3);
    EXPECT_EQ(c.train.device, "cpu");
    EXPECT_EQ(c.train.steps, (std::vector<int>{10, 20, 30}));
    EXPECT_EQ(c.train.size, (std::vector<double>{1, 2.5, -3}));
    EXPECT_EQ(c.train.planes, (std::vector<std::string>{"yz"}));
    EXPECT_EQ(c.encoder.name(), "resnet");
    EXPECT_EQ(c.encoder.get<ResnetConfig>().width, 0.25);
    EXPECT_THROW((void)c.encoder.get<PointnetConfig>(), Error);
}

// The look that docs promise: every mistake at once, in file order.
TEST(Config, ListsEveryMistakeWithItsLine) {
    EXPECT_EQ(parse_message("# a comment\n[encoder]\nname = \"pointnet_local\"\nplane_resolutoin = 64\n\n[train]\n"
                            "batch_size = 0\n"),
              "mine.toml has 2 problems\n"
              "  line 4: [encoder] unknown key \"plane_resolutoin\" – did you mean \"plane_resolution\"?\n"
              "  line 7: [train] batch_size = 0 is outside 1..4096");
}

TEST(Config, OneMistakeIsOneLine) {
    EXPECT_EQ(parse_message("[train]\nbatchsize = 3"),
              "mine.toml:2: [train] unknown key \"batchsize\" – did you mean \"batch_size\"?");
    EXPECT_EQ(parse_message("[trian]\nlr = 1"), "mine.toml:1: unknown key \"trian\" – did you mean \"train\"?");
    EXPECT_EQ(parse_message("[encoder]\nbatch_size = 1"),
              "mine.toml:2: [encoder] unknown key \"batch_size\" – it belongs to [train]");
    EXPECT_EQ(parse_message("[encoder]\nqqqqqq = 1"),
              "mine.toml:2: [encoder] unknown key \"qqqqqq\"; known here: \"name\", \"plane_resolution\", \"reduce\"");
}

TEST(Config, WrongTypesAndRanges) {
    const auto expect = [](const char* line, const char* message) {
        EXPECT_EQ(parse_message(fmt::format("[train]\n{}", line)), std::string("mine.toml:2: [train] ") + message);
    };
    expect("batch_size = 3.0", "batch_size needs an integer, not 3.0");
    expect("batch_size = \"3\"", "batch_size needs an integer, not \"3\"");
    expect("seed = true", "seed needs an integer, not true");
    expect("shuffle = 1", "shuffle needs true or false, not 1");
    expect("lr = 0", "lr = 0 is outside above 0, at most 1");
    expect("lr = nan", "lr = nan is not a finite number");
    expect("decay = -1.5", "decay = -1.5 is outside at least 0");
    expect("decay = inf", "decay = inf is not a finite number");
    expect("device = \"gpu\"", "device = \"gpu\" is not one of \"auto\", \"cpu\", \"cuda\" – did you mean \"cpu\"?");
    expect("note = 5", "note needs a text, not 5");
    expect("steps = 5", "steps needs a list of integers, not 5");
    expect("steps = [1, -5]", "steps [1] = -5 is outside at least 0");
    expect("steps = [1,2,3,4,5]", "steps may have 4 values at most, not 5");
    expect("size = [1, 2]", "size needs 3 values, not 2");
    expect("planes = [\"zx\"]", "planes [0] = \"zx\" is not one of \"xz\", \"xy\", \"yz\" – did you mean \"xz\"?");
    expect("batch_size = 13", "batch_size 13 brings bad luck; take 12");
    EXPECT_EQ(parse_message("train = 3"), "mine.toml:1: train must be a table, as in [train]");
    EXPECT_THAT(parse_message("[train]\nbatch_size = 99999999999"), HasSubstr("outside 1..4096"));
}

TEST(Config, UnknownAlternativeIsOneProblemOnly) {
    EXPECT_EQ(parse_message("[encoder]\nname = \"pointnet\"\nwidth = 3"),
              "mine.toml:2: [encoder] name = \"pointnet\" is not one of \"pointnet_local\", \"resnet\"");
    EXPECT_EQ(parse_message("[encoder]\nname = \"pointnet_lokal\""),
              "mine.toml:2: [encoder] name = \"pointnet_lokal\" is not one of \"pointnet_local\", \"resnet\""
              " – did you mean \"pointnet_local\"?");
}

TEST(Config, TomlMistakesNameTheLine) {
    EXPECT_THAT(message_of([] { (void)Config::parse("a = 1\nb = = 2\n", "x.toml"); }), HasSubstr("x.toml:2: "));
    EXPECT_THAT(message_of([] { (void)Config::parse("a = 1\na = 2\n", "x.toml"); }), HasSubstr("x.toml:2: "));
    EXPECT_THAT(message_of([] { (void)Config::parse("\n\nd = 2026-01-01", "x.toml"); }), HasSubstr("x.toml:3: "));
    EXPECT_THAT(message_of([] { (void)Config::parse("extends = \"b.toml\"", "x.toml"); }), HasSubstr("x.toml:1: "));
    EXPECT_THAT(message_of([] { (void)Config::parse(std::string(100000, '['), "x.toml"); }), HasSubstr("x.toml:1: "));
}

TEST(Config, DumpParsesBackToTheSameStruct) {
    RunConfig c;
    c.train.lr = 0.3f;
    c.train.decay = 0.1 + 0.2;
    c.train.note = "a \"b\" \\ \n\r\t \x01 – ü";
    c.train.seed = std::numeric_limits<std::int64_t>::max();
    c.train.planes.clear();
    c.encoder.assign("resnet", ResnetConfig{.width = 1e300});
    for (const bool comments : {false, true}) {
        const std::string text = dump_toml(c, comments);
        const auto again = parse_config<RunConfig>(Config::parse(text));
        EXPECT_EQ(again.train.lr, c.train.lr);
        EXPECT_EQ(again.train.decay, c.train.decay);
        EXPECT_EQ(again.train.note, c.train.note);
        EXPECT_EQ(again.train.seed, c.train.seed);
        EXPECT_TRUE(again.train.planes.empty());
        EXPECT_EQ(again.encoder.get<ResnetConfig>().width, 1e300);
        EXPECT_EQ(dump_toml(again, comments), text);
    }
}

TEST(Config, DumpReadsWell) {
    EXPECT_EQ(dump_toml(PointnetConfig{}), "plane_resolution = 64\nreduce = \"mean\"\n");
    EXPECT_EQ(dump_toml(PointnetConfig{}, true),
              "plane_resolution = 64  # cells a side (4..1024 cells)\n"
              "reduce = \"mean\"        # how points of a cell are joined (\"mean\", \"max\")\n");
    EXPECT_THAT(dump_toml(RunConfig{}), HasSubstr("\n[encoder]\nname = \"pointnet_local\"\nplane_resolution = 64\n"));
    EXPECT_THAT(dump_toml(RunConfig{}), HasSubstr("lr = 0.1\n"));
}

TEST(Config, ValidatesStructsFilledByCode) {
    RunConfig c;
    EXPECT_NO_THROW(validate_config(c));
    c.train.batch_size = 0;
    EXPECT_EQ(message_of([&] { validate_config(c); }), "[train] batch_size = 0 is outside 1..4096");
}

TEST(Config, ListsOptionsOfEveryAlternative) {
    const auto options = list_options<RunConfig>("run");
    const std::string text = options_markdown(options);
    EXPECT_THAT(text, HasSubstr("| `run.train.batch_size` | `32` |  | 1..4096 | items a step |"));
    EXPECT_THAT(text, HasSubstr("| `run.encoder.name` | `\"pointnet_local\"` |"));
    EXPECT_THAT(text, HasSubstr("| `run.encoder.plane_resolution` | `64` | cells | 4..1024 | cells a side |"));
    EXPECT_THAT(text, HasSubstr("| `run.encoder(resnet).width` | `1.5` |  | above 0 | width factor |"));
}

TEST(Config, DescribingAFieldTwiceIsABug) {
    struct Twice {
        int a = 0;
        void describe(ConfigVisitor& v) { v.field("a", a, ""), v.field("a", a, ""); }
    };
    try {
        (void)parse_config<Twice>(Config::parse(""));
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::internal);
    }
}

TEST(Config, SetOverridesWin) {
    Config c = Config::parse("[train]\nlr = 0.5\nbatch_size = 2\n");
    c.set("train.lr=0.25");
    c.set("train.device=cpu");
    c.set("train.steps=[1, 2, 3]");
    c.set("encoder.name=resnet");
    c.set("encoder.width=3");
    const auto r = parse_config<RunConfig>(c);
    EXPECT_EQ(r.train.lr, 0.25f);
    EXPECT_EQ(r.train.batch_size, 2);
    EXPECT_EQ(r.train.device, "cpu");
    EXPECT_EQ(r.train.steps, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(r.encoder.get<ResnetConfig>().width, 3.0);
}

TEST(Config, SetMistakesNameTheArgument) {
    Config c = Config::parse("", "mine.toml");
    for (const char* bad : {"lr", "=3", "a..b=1", "a.=1", "a=", "a=[1", "a=1\nb = 2", "a b=1", "extends=x"})
        EXPECT_THAT(message_of([&] { c.set(bad); }), HasSubstr(fmt::format("--set {}", bad))) << bad;
    c.set("train.lrr=0.1");
    EXPECT_EQ(message_of([&] { (void)parse_config<RunConfig>(c); }),
              "--set train.lrr=0.1: [train] unknown key \"lrr\" – did you mean \"lr\"?");
}

TEST(Config, TableOfAnotherNameReplacesTheOldOne) {
    Config base = Config::parse("[encoder]\nname = \"pointnet_local\"\nplane_resolution = 32\n");
    Config same = base, other = base;
    same.merge(Config::parse("[encoder]\nname = \"pointnet_local\"\nreduce = \"max\"\n"));
    EXPECT_EQ(parse_config<RunConfig>(same).encoder.get<PointnetConfig>().plane_resolution, 32);
    other.merge(Config::parse("[encoder]\nname = \"resnet\"\nwidth = 2\n"));
    EXPECT_EQ(parse_config<RunConfig>(other).encoder.get<ResnetConfig>().width, 2.0);
}

TEST_F(ConfigFiles, ExtendsIsRelativeToItsFile) {
    write("base.toml", "[train]\nlr = 0.5\nbatch_size = 2\n");
    write("sub/middle.toml", "extends = \"../base.toml\"\n[train]\nbatch_size = 3\n");
    const auto leaf = write("leaf.toml", "extends = \"sub/middle.toml\"\n[train]\nseed = 4\n");
    const auto c = parse_config<RunConfig>(Config::load(leaf, {"train.seed=5"}));
    EXPECT_EQ(c.train.lr, 0.5f);
    EXPECT_EQ(c.train.batch_size, 3);
    EXPECT_EQ(c.train.seed, 5);
}

TEST_F(ConfigFiles, MistakesInAParentNameTheParent) {
    const auto base = write("base.toml", "[train]\n\nlrr = 0.5\n");
    const auto leaf = write("leaf.toml", "extends = \"base.toml\"\n[train]\nbatch_size = 0\n");
    const auto text = message_of([&] { (void)parse_config<RunConfig>(Config::load(leaf)); });
    EXPECT_THAT(text, HasSubstr(leaf + " has 2 problems\n  line 3: [train] batch_size"));
    EXPECT_THAT(text, HasSubstr(".toml:3: [train] unknown key \"lrr\""));
}

TEST_F(ConfigFiles, CirclesAreRefused) {
    write("a.toml", "extends = \"b.toml\"\n");
    write("b.toml", "extends = \"./sub/../a.toml\"\n");
    EXPECT_THAT(message_of([&] { (void)Config::load(dir_ / "a.toml"); }), HasSubstr("a.toml -> b.toml -> a.toml"));
    const auto self = write("self.toml", "extends = \"self.toml\"\n");
    EXPECT_THAT(message_of([&] { (void)Config::load(self); }), HasSubstr("circle"));
}

TEST_F(ConfigFiles, UnreadableFilesAreNamed) {
    EXPECT_THAT(message_of([&] { (void)Config::load(dir_ / "none.toml"); }), HasSubstr("none.toml: no such"));
    EXPECT_THAT(message_of([&] { (void)Config::load(dir_ / "sub"); }), HasSubstr("folder"));
    const auto leaf = write("leaf.toml", "\nextends = \"gone.toml\"\n");
    EXPECT_THAT(message_of([&] { (void)Config::load(leaf); }), HasSubstr("leaf.toml:2: extends: "));
    EXPECT_THAT(message_of([&] { (void)Config::load(write("n.toml", "extends = 3")); }), HasSubstr("n.toml:1: "));
    EXPECT_TRUE(std::get<Config::Table>(Config::load(write("empty.toml", "")).value()).empty());
}

TEST(Nearest, KnowsSwapsAndLimits) {
    const std::vector<std::string> names = {"batch_size", "lr", "seed", "PLY"};
    EXPECT_EQ(nearest_name("bacth_size", names), "batch_size");
    EXPECT_EQ(nearest_name("ply", names), "PLY");
    EXPECT_EQ(nearest_name("lrr", names), "lr");
    EXPECT_EQ(nearest_name("x", names), "");
    EXPECT_EQ(nearest_name("completely_other", names), "");
    EXPECT_EQ(nearest_name("lr", {}), "");
}

}  // namespace
}  // namespace nir
