namespace KvmBackup.Configuration;

/// <summary>A single value, before anyone decided what type it is; so <c>off</c> and <c>no</c> stay words.</summary>
internal sealed record TextNode(int Line, string Text, bool IsNull) : ConfigurationNode(Line)
{
    public override string Noun => "a single value";
}
