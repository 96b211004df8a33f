namespace KvmBackup.Reporting;

/// <summary>Text from outside, made harmless for a terminal, a log and a mail.</summary>
public static class PlainText
{
    /// <summary>One line without control characters: no forged lines, no escape sequences.</summary>
    public static string Line(string text) =>
        text.Any(char.IsControl) ? new string([.. text.Select(one => char.IsControl(one) ? ' ' : one)]) : text;
}
