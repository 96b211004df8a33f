using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>One word of a command for a POSIX shell.</summary>
public static class ShellWord
{
    private const string SafeCharacters = "-_./:=,+@%";

    /// <summary>The word as typed: plain when it is safe, otherwise quoted.</summary>
    public static string Quote(string word)
    {
        if (word.Length > 0 && word.All(IsSafe))
        {
            return word;
        }

        // A line break would end the line of the command, so control characters are written as octal numbers.
        return word.Any(char.IsControl)
            ? $"\"$(printf '{string.Concat(Encoding.UTF8.GetBytes(word).Select(Octal))}')\""
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private static bool IsSafe(char character) =>
        char.IsAsciiLetterOrDigit(character) || SafeCharacters.Contains(character, StringComparison.Ordinal);

    private static string Octal(byte value) => $"\\{Convert.ToString(value, 8).PadLeft(3, '0')}";
}
