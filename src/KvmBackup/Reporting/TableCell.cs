using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>One cell of a table.</summary>
/// <param name="Text">Safe text in one line.</param>
/// <param name="Style">The style on a terminal; empty for none.</param>
internal readonly record struct TableCell(string Text, string Style)
{
    /// <summary>The columns of a terminal that the text takes.</summary>
    public int Width => Text.GetCellWidth();

    /// <summary>The text in the markup of Spectre, padded to a width.</summary>
    public string Markup(int width)
    {
        string text = Spectre.Console.Markup.Escape(Text) + new string(' ', Math.Max(0, width - Width));
        return Style.Length > 0 ? $"[{Style}]{text}[/]" : text;
    }

    public string Plain(int width) => Text + new string(' ', Math.Max(0, width - Width));
}
