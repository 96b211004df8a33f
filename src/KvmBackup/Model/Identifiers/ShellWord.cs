using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>One word of a command that a person types into a POSIX shell.</summary>
public static class ShellWord
{
    private const string Harmless = "-_./:=,+@%";

    /// <summary>The word as it is typed: plain when it is harmless, in single quotes otherwise.</summary>
    public static string Quote(string word)
    {
        if (word.Length > 0 && word.All(one => char.IsAsciiLetterOrDigit(one) || Harmless.Contains(one, StringComparison.Ordinal)))
        {
            return word;
        }

        // A line break would end the line, and with the right words after it the whole block: such a word is spelled.
        return word.Any(char.IsControl)
            ? $"\"$(printf '{string.Concat(Encoding.UTF8.GetBytes(word).Select(one => $"\\{Convert.ToString(one, 8).PadLeft(3, '0')}"))}')\""
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
