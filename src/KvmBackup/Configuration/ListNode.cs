namespace KvmBackup.Configuration;

/// <summary>Values in order.</summary>
internal sealed record ListNode(int Line, IReadOnlyList<ConfigurationNode> Items) : ConfigurationNode(Line)
{
    public override string Noun => "a list";
}
