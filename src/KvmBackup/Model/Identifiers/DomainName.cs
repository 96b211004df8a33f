using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>
/// The name of a libvirt domain: any text that libvirt allows, unchanged. Tabs, DEL, C1 characters and blanks at
/// either end
/// are significant: two domains may differ in these only.
/// </summary>
public sealed record DomainName
{
    /// <exception cref="ModelException">The name is empty or contains a line feed.</exception>
    public DomainName(string value)
    {
        if (!IsValid(value))
        {
            throw new ModelException("A domain name must not be empty or contain a line feed.");
        }

        Value = value;
    }

    public string Value { get; }

    /// <summary>
    /// The name as one safe path component. A slash, backslash, percent sign, colon, control character, leading dot
    /// or minus and
    /// a blank at the end are percent-encoded. So two names never share a file name, no name escapes its directory,
    /// and no
    /// program takes a name for an option or, as tar and qemu-img do, for a file of another host.
    /// </summary>
    public string FileName
    {
        get
        {
            StringBuilder encoded = new(Value.Length);
            foreach (char character in Value)
            {
                bool isUnsafe = character is '/' or '%' or '\\' or ':'
                    || (character is '.' or '-' && encoded.Length == 0);
                _ = isUnsafe || char.IsControl(character) ? Encode(encoded, character) : encoded.Append(character);
            }

            return encoded[^1] == ' ' ? $"{encoded.ToString(0, encoded.Length - 1)}%20" : encoded.ToString();
        }
    }

    /// <summary>Whether libvirt allows the name: it refuses a line feed.</summary>
    public static bool IsValid(string value) =>
        value.Length > 0 && !value.Contains('\n', StringComparison.Ordinal)
        && !value.Contains('\0', StringComparison.Ordinal);

    public override string ToString() => Value;

    private static StringBuilder Encode(StringBuilder encoded, char character)
    {
        foreach (byte encodedByte in Encoding.UTF8.GetBytes([character]))
        {
            _ = encoded.Append('%').Append(encodedByte.ToString("X2", null));
        }

        return encoded;
    }
}

/// <summary>A domain as libvirt lists it.</summary>
public sealed record DomainIdentity(DomainName Name, Guid Uuid);
