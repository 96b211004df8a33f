namespace KvmBackup.Model.Identifiers;

/// <summary>A disk of a domain, identified by its libvirt target device, <c>vda</c>; never by its path.</summary>
public sealed record DiskTarget
{
    /// <exception cref="ModelException">The text is not a device name.</exception>
    public DiskTarget(string value)
    {
        if (!IsValid(value))
        {
            throw new ModelException(
                $"'{value}' is not a disk target; targets are device names such as vda, sdb or hdc.");
        }

        Value = value;
    }

    public string Value { get; }

    /// <summary>Letters, digits, minus and underscore: safe in a path, a diskspec and an archive.</summary>
    public static bool IsValid(string value) =>
        value.Length is > 0 and <= 64 && value[0] != '-'
        && value.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_');

    public override string ToString() => Value;
}
