//! The JSON schema of channel files, for editors and for those who generate them. Its words are those of docs/channel-files.md.

use serde_json::{Map, Value, json};

/// Names the version of the schema, which is that of `version` in a channel file.
pub const SCHEMA_ID: &str = "urn:takings:channel-file:1";

/// The schema, of JSON Schema 2020-12.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Takings channel file, version 1",
        "description": "The exports of one place where you sell: config/channels/<channel>.toml.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version", "channel", "title", "exports"],
        "properties": {
            "version": {"const": 1, "description": "Version of this schema."},
            "channel": text("The channel's name: that of the file, and of [instances.<channel>.<name>]."),
            "title": text("The channel's name for people."),
            "exports": {"type": "array", "items": {"$ref": "#/$defs/export"}, "description": "Files of one layout each, or parts of them."},
        },
        "$defs": {
            "export": export(),
            "layout": layout(),
            "delete": object("Rows that end a version.", &["column", "into"], &[
                ("column", text("A header.")),
                ("equals", texts("The cell is one of these.")),
                ("matches", pattern("The cell fits this.")),
                ("into", text("The contract's bool column: true where the cell says so, else false.")),
            ]),
            "header_rule": object("What must stand in the header.", &[], &[
                ("exact", texts("These names, in this order.")),
                ("has", texts("These names, among others.")),
                ("lacks", texts("None of these names.")),
            ]),
            "text": text_form(),
            "unpack": unpack(),
            "frame": frame(),
            "exclude": object("A named rule that leaves records out; what it takes is counted under its name.", &["name"], &[
                ("name", text("The rule's name.")),
                ("column", text("Header name or table column.")),
                ("equals", texts("The cell is one of these.")),
                ("matches", pattern("The cell fits this.")),
                ("empty", flag("The cell is empty.")),
                ("all", many("condition", "Instead of column: all of these hold.")),
                ("blank", flag("All cells are empty.")),
                ("where", text("SQL over the finished row.")),
            ]),
            "unpivot": object("Columns that become rows.", &["headers"], &[
                ("headers", pattern("Each matching column that has a value makes a row of its own; named groups are sources of columns.")),
                ("value", text("The name of the cell as a source.")),
                ("name", text("The name of the header's text as a source.")),
                ("fields", map_of(json!({"type": "string"}), "Instead of value and name: source → text of the pattern's group `field`; columns that differ in it alone make one row.")),
                ("keep_empty", flag("A record without any value makes one row.")),
            ]),
            "calculate": object("A step of calculation; later ones see what earlier ones set.", &["column", "value"], &[
                ("column", text("Column of the contract, or a scratch column.")),
                ("when", text("SQL: where it applies.")),
                ("value", text("SQL over the row's columns.")),
            ]),
            "check": check(),
            "column": column(),
            "condition": object("What a cell of the record says.", &["column"], &[
                ("column", text("A header or a column.")),
                ("equals", one_or_many("The cell is one of these.")),
                ("matches", pattern("The cell fits this.")),
                ("is", words("Whether the cell has a text.", &["filled", "empty"])),
            ]),
            "bool_words": object("The texts that mean true and false.", &["yes", "no"], &[("yes", texts("True.")), ("no", texts("False."))]),
        },
    })
}

fn with(mut schema: Value, description: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(description));
    }
    schema
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn pattern(description: &str) -> Value {
    json!({"type": "string", "format": "regex", "description": description})
}

fn texts(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

fn one_or_many(description: &str) -> Value {
    json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "description": description})
}

fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

fn count(description: &str, least: u64) -> Value {
    json!({"type": "integer", "minimum": least, "description": description})
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({"enum": words, "description": description})
}

fn reference(name: &str, description: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}"), "description": description})
}

fn many(name: &str, description: &str) -> Value {
    json!({"type": "array", "items": {"$ref": format!("#/$defs/{name}")}, "description": description})
}

fn map_of(values: Value, description: &str) -> Value {
    json!({"type": "object", "additionalProperties": values, "description": description})
}

fn object(description: &str, required: &[&str], properties: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "additionalProperties": false, "description": description, "required": required, "properties": properties})
}

/// How texts of numbers are written: of an export, and of a column.
fn parse_keys() -> Vec<(&'static str, Value)> {
    vec![
        (
            "decimal",
            json!({
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "The mark of decimals, default \".\"; two: either, where nothing marks thousands.",
            }),
        ),
        ("thousands", text("The mark of thousands, default none.")),
        ("grouping", words("Where marks of thousands may stand: every three digits (default), or anywhere.", &["3", "any"])),
        ("currency_signs", flag("Signs of currencies before or behind are allowed; they are checked against the row's currency.")),
        ("percent", flag("85% is 0.85 exactly.")),
        ("parentheses", flag("(1.20) is -1.20.")),
        ("trailing_minus", flag("1.20- is -1.20.")),
        ("exponent", flag("1E-3, read exactly.")),
        ("whole_decimals", flag("`123.0` in ids and integers is 123.")),
        ("nulls", texts("Texts that mean no value.")),
        ("zone", text("IANA zone: texts without a zone are civil time there.")),
        ("zones", map_of(json!({"type": "string"}), "Names of zones in the text and their offsets, like PST = \"-08:00\".")),
        (
            "years_from",
            json!({"type": "integer", "minimum": 1, "maximum": 9900, "description": "The first of the hundred years that two digits can mean, default 1970."}),
        ),
        ("languages", one_or_many("Languages of the names of months and weekdays: en (default), de, fr, es, it, pt, nl, sv, da, no, fi, pl, cs, tr, ru.")),
        ("bool", reference("bool_words", "The texts that mean true and false.")),
    ]
}

/// What an export and each of its layouts may say.
fn shared() -> Vec<(&'static str, Value)> {
    let mut keys = vec![
        ("name", text("Its name.")),
        ("text", reference("text", "How bytes become records of text cells.")),
        ("frame", reference("frame", "Where in a file the table stands, and what stands around it.")),
        ("required", texts("Table columns whose header must be there; a file without one is stopped.")),
        ("headers", map_of(json!({"type": "array", "items": {"type": "string"}}), "Table column → the names that its header may have.")),
        ("columns", map_of(json!({"$ref": "#/$defs/column"}), "Table or scratch column → where its value comes from and how it is read.")),
        ("timestamps", texts("Formats of date-times, tried in order.")),
        ("delimiter", text("One byte, default a comma.")),
        ("exclude", many("exclude", "Records that are left out on purpose.")),
        ("unpivot", reference("unpivot", "Columns that become rows.")),
        ("calculate", many("calculate", "Calculations in SQL, in order.")),
        ("checks", many("check", "What must hold of a file's rows before they count.")),
    ];
    keys.extend(parse_keys());
    keys
}

fn export() -> Value {
    let mut keys = shared();
    keys.extend([
        ("table", text("The raw table that its rows go to: config/tables/<table>.toml.")),
        ("path", pattern("Over the path below the instance's url. Named groups can be used below. Exactly one export must match.")),
        ("part_of", text("Instead of path: it reads another part of the files of that export.")),
        ("mode", words("What a new file means for the rows of earlier ones.", &["append", "replace_file", "replace_period", "versioned"])),
        ("period_key", texts("replace_period: named groups of path; the newest file of the same values counts.")),
        ("newest", texts("Named groups of path, compared as text, before the order of landing.")),
        ("delete", reference("delete", "Rows that end a version.")),
        ("duplicate_content", words("Whether the same bytes under a second path count again (default) or stop the second file.", &["accept", "refuse"])),
        ("unpack", reference("unpack", "Members of archives and sheets of workbooks.")),
        (
            "unknown_columns",
            words("What becomes of columns that are not named here: they stop the file (default) or are left out with a warning.", &["stop", "warn"]),
        ),
        ("quarantine_limit", count("How many records of a file may be bad before the whole file is stopped, default 0.", 0)),
        ("layouts", many("layout", "Versions of the layout, of which exactly one must fit.")),
    ]);
    let mut schema = object("Files of one layout, or of several versions of it.", &["name", "table", "mode"], &keys);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("oneOf".to_owned(), json!([{"required": ["path"]}, {"required": ["part_of"]}]));
    }
    schema
}

fn layout() -> Value {
    let mut keys = shared();
    keys.extend([
        ("header", reference("header_rule", "What must stand in the header; without it the required columns.")),
        ("file", map_of(json!({"type": "string", "format": "regex"}), "Named group of path → what it must look like.")),
    ]);
    object("A version of the export's layout: what it says goes before what the export says.", &["name"], &keys)
}

fn text_form() -> Value {
    object(
        "How bytes become records of text cells.",
        &[],
        &[
            ("encoding", one_or_many("Tried in order when there is no byte order mark, default utf-8.")),
            ("mixed", flag("Bytes that the first encoding can't read are read by the next one, cell by cell.")),
            ("delimiter", text("One character, or \"auto\": as the `sep=` line says.")),
            ("quote", text("Default a double quote; empty: no quoting at all.")),
            ("escape", text("The character that takes the meaning of the next one.")),
            ("loose_quotes", flag("A quote that neither opens nor closes its cell is text: 12\" disc.")),
            ("line_end", text("The character that ends records, where that is no line break.")),
            (
                "last_line",
                words("Whether the last line may lack its line end (open, default); ended: a file whose last line lacks it was cut off.", &["open", "ended"]),
            ),
            ("strip", texts("Characters removed from headers.")),
            ("strip_cells", texts("Characters removed from all cells, default none.")),
            ("ragged", words("Records that are too short (pad) or have empty cells too many (trim), or both (fit).", &["refuse", "pad", "trim", "fit"])),
            ("comment", text("Lines that begin so are none.")),
            ("sep_line", flag("A first line `sep=;` gives the delimiter and is left out (default true).")),
        ],
    )
}

fn unpack() -> Value {
    object(
        "Which members and sheets are read, which are left out, and how much may come out. One that matches no list stops the file.",
        &[],
        &[
            ("members", texts("Regular expressions over member names.")),
            ("ignore", texts("Members that are left out on purpose.")),
            ("sheets", texts("Regular expressions over sheet names.")),
            ("ignore_sheets", texts("Sheets that are left out on purpose.")),
            ("max_bytes", text("Unpacked size, like \"2GB\".")),
            ("max_ratio", count("Unpacked bytes per packed one, default 200.", 0)),
            ("max_members", count("Default 1000.", 0)),
        ],
    )
}

fn frame() -> Value {
    let section = object(
        "One of several tables in a file.",
        &["name", "title"],
        &[
            ("name", text("Its name.")),
            ("title", pattern("The record before its header; what its named groups capture can be used with `from`.")),
            ("ignore", flag("Left out on purpose.")),
        ],
    );
    let records = object(
        "Records of several types.",
        &["types"],
        &[
            ("column", count("The column that holds the type, from 1.", 1)),
            ("types", texts("Those of this export.")),
            ("ignore", texts("Those that are left out on purpose.")),
        ],
    );
    let trailer = object(
        "Lines that are none of the table.",
        &["name", "line"],
        &[
            ("name", text("Under this name checks and columns know its value.")),
            ("line", pattern("The line; captures (?<value>…).")),
            ("optional", flag("A file without one that is not optional was cut off and is stopped.")),
        ],
    );
    let parent = object(
        "Parent and child rows.",
        &["parent_when"],
        &[
            ("parent_when", reference("condition", "Which rows are parents.")),
            ("inherit", texts("Columns whose empty cells take the parent's.")),
            ("give", map_of(json!({"type": "string"}), "Name → column: children get the parent's cell under this name, for `from`.")),
            ("keep", words("Which rows are published, default children (and parents that have none).", &["children", "parents", "both"])),
        ],
    );
    let target = json!({"anyOf": [
        {"type": "string", "description": "Column letters and row, like B1."},
        {"type": "object", "required": ["match"], "properties": {"line": {"type": "integer", "minimum": 1}, "match": {"type": "string", "format": "regex"}}},
    ]});
    let end =
        json!({"anyOf": [{"enum": ["blank"]}, {"type": "object", "required": ["first"], "properties": {"first": {"type": "string", "format": "regex"}}}]});
    object(
        "Where in a file the table stands, and what stands around it.",
        &[],
        &[
            ("skip_lines", count("Lines before the header.", 0)),
            ("header_has", texts("Skip until a record that has these cells.")),
            ("header_row", count("The header's line or row, from 1.", 1)),
            ("header_rows", count("How many lines make the header, default 1: their cells are joined by a space.", 1)),
            ("start_row", count("The line or row of the first record, from 1.", 1)),
            ("header", texts("The file has no header: names by position.")),
            ("end", with(end, "The table ends at the first blank record, or at one whose first cell fits; default: with the file.")),
            ("sections", json!({"type": "array", "items": section, "description": "Several tables in one file."})),
            ("records", records),
            ("trailer", json!({"type": "array", "items": trailer, "description": "Lines that are none of the table."})),
            ("cells", map_of(target, "Values that stand outside of the table.")),
            ("parent", parent),
        ],
    )
}

fn check() -> Value {
    let expect = object(
        "What the file itself, or the channel file, says that it should be.",
        &[],
        &[
            ("trailer", text("A trailer's value.")),
            ("cell", text("A target cell.")),
            ("record", text("The last record of this type …")),
            ("field", count("… and its field, from 1.", 1)),
            ("part", text("Another member or sheet …")),
            ("column", text("… its column …")),
            ("row", count("… and its row of data, from 1.", 0)),
            ("constant", text("This number.")),
        ],
    );
    object(
        "What must hold of a file's rows before they count.",
        &["name", "kind"],
        &[
            ("name", text("Its name.")),
            ("kind", words("What is compared.", &["sum", "rows", "lines", "equation", "unique", "single", "no_repeat"])),
            ("column", text("sum, single, no_repeat: the column.")),
            ("columns", texts("unique: the columns.")),
            ("sql", text("equation: holds in every row.")),
            ("expect", expect),
            ("level", words("A difference stops the file (default), warns, or is only shown.", &["mandatory", "advisory", "display"])),
            ("tolerance", text("By how much both sides may differ.")),
            ("by", texts("Each combination of these columns is compared for itself.")),
            ("missing", words("Against a trailer: a file with rows and without it passes (default) or is stopped.", &["pass", "stop"])),
            ("several", words("Against a trailer: several lines of one key say the same (default) or are summed.", &["same", "sum"])),
        ],
    )
}

fn column() -> Value {
    let split = object("Only this piece of the text.", &["by", "nth"], &[("by", text("Between the pieces.")), ("nth", count("From 1.", 1))]);
    let mapping = object(
        "A reference table.",
        &["table"],
        &[
            ("table", text("config/reference/<table>.csv, or countries or currencies.")),
            ("key", text("The column that is looked up, default the first.")),
            ("value", text("The column that is taken, default the second.")),
            ("fold", flag("Case, accents and punctuation make no difference.")),
        ],
    );
    let mut keys = vec![
        ("type", text("Of a scratch column, whose name starts with `_`: text, date, timestamp, int64, bool, decimal(precision,scale).")),
        ("header", one_or_many("Header names; also \"#5\" and \"Currency#2\".")),
        ("constant", text("The same text in every row.")),
        ("file", text("A named group of path.")),
        ("cell", text("A target cell of the frame.")),
        ("part", pattern("From the member's or sheet's name: (?<value>…).")),
        ("trailer", text("A trailer's value.")),
        ("from", text("A name that unpivot, a section's title or a parent gives.")),
        ("join", texts("Concatenated; a header in braces.")),
        ("copy", text("The same source as another column.")),
        ("take", pattern("Of the text only (?<value>…); no match: quarantine.")),
        ("split", split),
        ("fill", words("An empty cell takes the value above it.", &["down"])),
        ("default", text("For a cell without value.")),
        ("prefix", text("Put before a value that does not begin so.")),
        ("strip", text("These characters at both ends are removed.")),
        ("negative", reference("condition", "Minus where it holds, plus elsewhere.")),
        ("flip", json!({"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/condition"}], "description": "The sign is turned, always or where it holds."})),
        ("multiply", text("Units, exactly.")),
        ("divide", text("Units, exactly; a remainder beyond the contract's digits is refused.")),
        ("unit", with(map_of(json!({"type": "string"}), ""), "`column` holds the unit; each other key is a unit and its factor.")),
        ("formats", one_or_many("Formats of dates and times, tried in order; %q is a quarter, %G-W%V a week; unix, unix-ms, excel and excel-1904 are counts.")),
        ("end_of", words("A longer period is its last day.", &["week", "month", "quarter", "year"])),
        ("with", text("A second column that is appended after a space before the formats are tried.")),
        ("fiscal", text("A calendar under config/reference/ that maps fiscal months to days.")),
        ("duration", one_or_many("h:mm:ss, m:ss, h:mm, iso, words (1h 30m) or s; becomes seconds, exactly.")),
        ("map", json!({"anyOf": [{"type": "string"}, mapping], "description": "A reference table."})),
        ("unknown", text("The value of texts that the map does not know, and of no text.")),
        ("reason", text("A text column of the contract that says why.")),
    ];
    keys.extend(parse_keys());
    object("Where a column's value comes from and how its text is read.", &[], &keys)
}
