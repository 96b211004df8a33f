using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>One cell of a table.</summary>
/// <param name="Text">Harmless text in one line.</param>
/// <param name="Style">How a terminal shows it; empty for plain.</param>
internal readonly record struct TableCell(string Text, string Style)
{
    /// <summary>How many columns of a terminal it takes.</summary>
    public int Width => Text.GetCellWidth();

    /// <summary>The same with blanks up to a width, as Spectre writes it.</summary>
    public string Markup(int width)
    {
        string text = Spectre.Console.Markup.Escape(Text) + new string(' ', Math.Max(0, width - Width));
        return Style.Length > 0 ? $"[{Style}]{text}[/]" : text;
    }

    public string Plain(int width) => Text + new string(' ', Math.Max(0, width - Width));
}
