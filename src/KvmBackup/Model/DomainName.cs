using System.Text;

namespace KvmBackup.Model;

/// <summary>The name of a libvirt guest: any text libvirt allows, blanks and non-ASCII included.</summary>
public sealed record DomainName
{
    /// <exception cref="ModelException">The name is empty, too long or holds a control character.</exception>
    public DomainName(string value)
    {
        if (string.IsNullOrWhiteSpace(value) || value.Any(char.IsControl))
        {
            throw new ModelException("A domain name must not be empty or hold control characters.");
        }

        Value = value;
    }

    public string Value { get; }

    /// <summary>
    /// The name as one safe path component: a slash, a percent sign, a leading dot or minus and a colon are
    /// percent-encoded, so that two names never share a file name, none escapes its directory, and no other program takes
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
                _ = isUnsafe ? encoded.Append('%').Append(((int)character).ToString("X2", null)) : encoded.Append(character);
            }

            return encoded.ToString();
        }
    }

    public override string ToString() => Value;
}
