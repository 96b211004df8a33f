using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KvmBackup.Configuration;

/// <summary>
/// Reads one YAML document into a tree. It uses the parser's events, because the representation model stops at the
/// first
/// repeated key, recurses without a depth limit and accepts any tag.
/// </summary>
internal sealed class YamlComposer
{
    private const int MaximumDepth = 32;
    private const int MaximumMergedKeys = 100_000;
    private const string MergeKey = "<<";

    private static readonly string[] AllowedTags =
        [.. new[] { "str", "int", "bool", "null", "seq", "map" }.Select(name => $"tag:yaml.org,2002:{name}")];

    private readonly string _file;
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, ConfigurationNode> _anchors = [];
    private int _mergedKeys;

    private YamlComposer(string text, string file)
    {
        _file = file;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>The root of the document; null for an empty file.</summary>
    /// <exception cref="ConfigurationException">It is not valid YAML, or uses a feature that is not
    /// allowed.</exception>
    public static ConfigurationNode? Compose(string text, string file)
    {
        YamlComposer composer = new(text, file);
        try
        {
            return composer.ReadDocument();
        }
        catch (YamlException failure)
        {
            throw NotYaml(failure, (int)failure.Start.Line, text, file);
        }
        catch (InvalidOperationException failure)
        {
            // YamlDotNet 16.3 throws this from its scanner when a word within braces is broken over two lines.
            int line = (int)(composer._parser.Current?.End.Line ?? 1);
            YamlException broken = new("a word within braces or brackets is broken over two lines", failure);
            throw NotYaml(broken, line, text, file);
        }
    }

    private static ConfigurationException NotYaml(YamlException failure, int line, string text, string file)
    {
        string hint = "check indentation, colons, brackets and quotes on this line and the one before";
        string[] lines = text.Split('\n');
        int tabLine = Array.FindIndex(
            lines, Math.Clamp(line - 1, 0, lines.Length - 1), source => source.TrimStart(' ').StartsWith('\t'));
        if (tabLine >= 0 && failure.Message.Contains("tab", StringComparison.Ordinal))
        {
            // The parser reports where the map or value begins, not where the tab is.
            line = tabLine + 1;
            hint = "the line starts with a tab, indent with spaces";
        }

        string problem = $"not valid YAML: {failure.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ')}";
        return new ConfigurationException(
            [new ConfigurationError(file, line, string.Empty, problem, hint)], failure);
    }

    private ConfigurationNode? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            return null;
        }

        _parser.Consume<DocumentStart>();
        ConfigurationNode root = ReadNode(depth: 0);
        _parser.Consume<DocumentEnd>();
        if (!_parser.Accept<StreamEnd>(out _))
        {
            throw Refuse(_parser.Current!, "a second document starts here", "keep one document, without '---' between");
        }

        return root;
    }

    private ConfigurationNode ReadNode(int depth)
    {
        if (depth > MaximumDepth)
        {
            throw Refuse(_parser.Current!, $"more than {MaximumDepth} levels deep", "no key needs more than five");
        }

        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return _anchors.TryGetValue(alias.Value, out ConfigurationNode? target)
                ? target
                : throw Refuse(
                    alias,
                    $"the alias '*{alias.Value}' has no complete anchor above it",
                    $"put '&{alias.Value}' at a value above; quote a pattern, as \"*{alias.Value}\"");
        }

        NodeEvent start = _parser.Require<NodeEvent>();
        RefuseTag(start);
        ConfigurationNode node = start switch
        {
            Scalar => ReadText(),
            SequenceStart => ReadList(depth),
            _ => ReadMap(depth),
        };
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor] = node;
        }

        return node;
    }

    private TextNode ReadText()
    {
        Scalar scalar = _parser.Consume<Scalar>();
        bool isNull = scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL";
        return new TextNode((int)scalar.Start.Line, scalar.Value, isNull);
    }

    private ListNode ReadList(int depth)
    {
        int line = (int)_parser.Consume<SequenceStart>().Start.Line;
        List<ConfigurationNode> items = [];
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return new ListNode(line, items);
    }

    private MapNode ReadMap(int depth)
    {
        int line = (int)_parser.Consume<MappingStart>().Start.Line;
        List<MapEntry> entries = [];
        List<MapEntry> repeated = [];
        List<MapEntry> merged = [];
        HashSet<string> names = [];
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            ParsingEvent keyStart = _parser.Current!;
            TextNode key = ReadNode(depth + 1) as TextNode
                ?? throw Refuse(keyStart, "a key is not plain text", "write it as a word");
            MapEntry entry = new(key, ReadNode(depth + 1));
            if (key.Text == MergeKey)
            {
                merged.AddRange(MergeSources(keyStart, entry.Value));
            }
            else
            {
                (names.Add(key.Text) ? entries : repeated).Add(entry);
            }
        }

        // The map's own keys take precedence, then those of the first source.
        entries.AddRange(merged.Where(entry => names.Add(entry.Key.Text)));
        return new MapNode(line, entries, repeated);
    }

    private IEnumerable<MapEntry> MergeSources(ParsingEvent place, ConfigurationNode value)
    {
        IReadOnlyList<ConfigurationNode> sources = value is ListNode list ? list.Items : [value];
        if (!sources.All(source => source is MapNode))
        {
            throw Refuse(place, "'<<' merges a value that is not a map", "give it an alias of a map");
        }

        // Nested aliases multiply: without a limit a few lines could exhaust the memory.
        _mergedKeys += sources.Sum(source => ((MapNode)source).Entries.Count);
        return _mergedKeys <= MaximumMergedKeys
            ? sources.SelectMany(source => ((MapNode)source).Entries)
            : throw Refuse(place, $"more than {MaximumMergedKeys} merged keys", "merge fewer maps");
    }

    private void RefuseTag(NodeEvent node)
    {
        if (!node.Tag.IsEmpty && !AllowedTags.Contains(node.Tag.Value))
        {
            throw Refuse(node, $"a YAML tag, '{node.Tag.Value}'", "remove it, values here need no type");
        }
    }

    private ConfigurationException Refuse(ParsingEvent place, string problem, string hint) =>
        new([new ConfigurationError(_file, (int)place.Start.Line, string.Empty, problem, hint)]);
}
