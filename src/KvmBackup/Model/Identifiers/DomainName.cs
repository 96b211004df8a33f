using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The name of a libvirt guest: any text libvirt allows, exactly as libvirt has it. Tabs, DEL, C1 characters and blanks at either
/// end are part of it: two domains may differ in nothing else.
/// </summary>
public sealed record DomainName
{
    /// <exception cref="ModelException">The name is empty or holds a line feed.</exception>
    public DomainName(string value)
    {
        if (!IsValid(value))
        {
            throw new ModelException("A domain name must not be empty or hold a line feed.");
        }

        Value = value;
    }

    public string Value { get; }

    /// <summary>
    /// The name as one safe path component: a slash, a percent sign, a leading dot or minus and a colon are
    /// percent-encoded, and so are control characters and a blank at the end, so that two names never share a file name, none escapes its directory, and no other program takes
    /// one for an option or for a file of another host, as tar and qemu-img do.
    /// </summary>
    public string FileName
    {
        get
        {
            StringBuilder encoded = new(Value.Length);
            foreach (char character in Value)
            {
                bool isUnsafe = character is '/' or '%' or '\\' or ':' || (character is '.' or '-' && encoded.Length == 0);
                _ = isUnsafe || char.IsControl(character) ? Encode(encoded, character) : encoded.Append(character);
            }

            return encoded[^1] == ' ' ? $"{encoded.ToString(0, encoded.Length - 1)}%20" : encoded.ToString();
        }
    }

    /// <summary>Whether a domain can have the name: libvirt refuses a line feed in it.</summary>
    public static bool IsValid(string value) =>
        value.Length > 0 && !value.Contains('\n', StringComparison.Ordinal) && !value.Contains('\0', StringComparison.Ordinal);

    public override string ToString() => Value;

    private static StringBuilder Encode(StringBuilder encoded, char character)
    {
        foreach (byte one in Encoding.UTF8.GetBytes([character]))
        {
            _ = encoded.Append('%').Append(one.ToString("X2", null));
        }

        return encoded;
    }
}

/// <summary>A domain as libvirt lists it.</summary>
public sealed record DomainIdentity(DomainName Name, Guid Uuid);
