namespace KvmBackup.Configuration;

/// <summary>A node of the file with its first line, counted from 1.</summary>
internal abstract record ConfigurationNode(int Line)
{
    /// <summary>The kind of node, for messages.</summary>
    public abstract string Noun { get; }
}

/// <summary>Values in order.</summary>
internal sealed record ListNode(int Line, IReadOnlyList<ConfigurationNode> Items) : ConfigurationNode(Line)
{
    public override string Noun => "a list";
}

/// <summary>Keys with values, in the order of the file, <c>&lt;&lt;</c> merged.</summary>
/// <param name="Line">First line.</param>
/// <param name="Entries">Each key once.</param>
/// <param name="Repeated">Further entries of the same keys.</param>
internal sealed record MapNode(int Line, IReadOnlyList<MapEntry> Entries, IReadOnlyList<MapEntry> Repeated)
    : ConfigurationNode(Line)
{
    public override string Noun => "a map of keys";
}

/// <summary>A key and its value.</summary>
internal sealed record MapEntry(TextNode Key, ConfigurationNode Value);

/// <summary>A scalar without a type, so that <c>off</c> and <c>no</c> stay text.</summary>
internal sealed record TextNode(int Line, string Text, bool IsNull) : ConfigurationNode(Line)
{
    public override string Noun => "a single value";
}
