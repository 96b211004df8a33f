namespace KvmBackup.Configuration;

/// <summary>A piece of the file with the line where it starts, counted from 1.</summary>
internal abstract record ConfigurationNode(int Line)
{
    /// <summary>What it is, for a message.</summary>
    public abstract string Noun { get; }
}
