namespace KvmBackup.Lab.Support;

/// <summary>
/// An entry of the list in kvmbackup(8): the test backs up and restores such a guest or disk. The unit tests compare
/// the list with these attributes.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class ProvesAttribute(string kind, string result) : Attribute
{
    /// <summary>The kind of guest or disk.</summary>
    public string Kind { get; } = kind;

    /// <summary>How it is backed up and restored.</summary>
    public string Result { get; } = result;
}
