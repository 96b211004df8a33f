namespace KvmBackup.Configuration;

/// <summary>Keys with values, in the order of the file, <c>&lt;&lt;</c> already merged.</summary>
/// <param name="Line">Where it starts.</param>
/// <param name="Entries">Each key once.</param>
/// <param name="Repeated">The keys that came a second time.</param>
internal sealed record MapNode(int Line, IReadOnlyList<MapEntry> Entries, IReadOnlyList<MapEntry> Repeated)
    : ConfigurationNode(Line)
{
    public override string Noun => "a map of keys";
}
