namespace KvmBackup.Configuration;

/// <summary>A piece of the file with the line where it starts, counted from 1.</summary>
internal abstract record ConfigurationNode(int Line)
{
    /// <summary>What it is, for a message.</summary>
    public abstract string Noun { get; }
}

/// <summary>Values in order.</summary>
internal sealed record ListNode(int Line, IReadOnlyList<ConfigurationNode> Items) : ConfigurationNode(Line)
{
    public override string Noun => "a list";
}

/// <summary>Keys with values, in the order of the file, <c>&lt;&lt;</c> already merged.</summary>
/// <param name="Line">Where it starts.</param>
/// <param name="Entries">Each key once.</param>
/// <param name="Repeated">The keys that came a second time.</param>
internal sealed record MapNode(int Line, IReadOnlyList<MapEntry> Entries, IReadOnlyList<MapEntry> Repeated)
    : ConfigurationNode(Line)
{
    public override string Noun => "a map of keys";
}

/// <summary>A key and what it says.</summary>
internal sealed record MapEntry(TextNode Key, ConfigurationNode Value);

/// <summary>A single value, before anyone decided what type it is; so <c>off</c> and <c>no</c> stay words.</summary>
internal sealed record TextNode(int Line, string Text, bool IsNull) : ConfigurationNode(Line)
{
    public override string Noun => "a single value";
}
