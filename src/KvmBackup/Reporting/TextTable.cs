namespace KvmBackup.Reporting;

/// <summary>
/// A table as text. In a narrow window the cells of a row are laid out below its first cell; cells are never cut or
/// broken, since users copy IDs and names.
/// </summary>
internal sealed class TextTable(params string[] titles)
{
    private const int Gap = 2;
    private const int Indent = 2;
    private readonly List<TableCell[]> rows = [];

    public static TableCell Cell(string? text) => new(PlainText.Line(text ?? string.Empty), string.Empty);

    public static TableCell Result(JobOutcome outcome) => outcome switch
    {
        JobOutcome.Succeeded => new("backed up", "green"),
        JobOutcome.Skipped => new("skipped", string.Empty),
        JobOutcome.Planned => new("planned", string.Empty),
        JobOutcome.NeedsManualAction => new("MANUAL ACTION REQUIRED", "red"),
        _ => new("FAILED", "red"),
    };

    public bool IsEmpty => rows.Count == 0;

    public void AddRow(params TableCell[] cells) => rows.Add(cells);

    /// <summary>Plain text of any width, for mails, files and pipes.</summary>
    public IEnumerable<string> PlainLines() => Lines(All(string.Empty), (cell, width) => cell.Plain(width));

    /// <summary>Text for a window of this many columns, in the markup of Spectre.</summary>
    public IEnumerable<string> MarkupLines(int width)
    {
        TableCell[][] all = All("bold");
        int[] widths = Widths(all);
        bool fits = widths.Sum() + (Gap * (widths.Length - 1)) <= width;
        return fits ? Lines(all, (cell, wide) => cell.Markup(wide)) : NarrowLines(all, widths, width);
    }

    private TableCell[][] All(string titleStyle) =>
        [[.. titles.Select(title => new TableCell(title, titleStyle))], .. rows];

    private static int[] Widths(TableCell[][] all) =>
        [.. all[0].Select((_, column) => all.Max(row => row[column].Width))];

    private static IEnumerable<string> Lines(TableCell[][] all, Func<TableCell, int, string> write)
    {
        int[] widths = Widths(all);
        string Line(TableCell[] row) => string.Join(
            new string(' ', Gap),
            row.Select((cell, column) => write(cell, column < row.Length - 1 ? widths[column] : 0)));
        return all.Select(row => Line(row).TrimEnd());
    }

    /// <summary>The first cell is the heading of all rows that share it; the other cells follow below.</summary>
    private static IEnumerable<string> NarrowLines(TableCell[][] all, int[] widths, int width)
    {
        string? heading = null;
        foreach (TableCell[] row in all)
        {
            if (row[0].Text != heading)
            {
                heading = row[0].Text;
                yield return row[0].Markup(0);
            }

            foreach (string line in Flow(row, widths, width))
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<string> Flow(TableCell[] row, int[] widths, int width)
    {
        const int deep = 2 * Indent;
        string line = string.Empty;
        (int used, int next) = (0, Indent);
        foreach ((TableCell cell, int wide) in row.Skip(1).Zip(widths.Skip(1))
            .SelectMany(pair => Words(pair.First, pair.Second, width - deep)))
        {
            if (line.Length > 0 && next + cell.Width > width)
            {
                yield return line;
                (line, used, next) = (string.Empty, 0, deep);
            }

            line += new string(' ', next - used) + cell.Markup(0);
            (used, next) = (next + cell.Width, next + wide + Gap);
        }

        yield return line;
    }

    /// <summary>A text that is longer than a line continues word by word; other cells are not broken.</summary>
    private static IEnumerable<(TableCell Cell, int Width)> Words(TableCell cell, int wide, int width) =>
        cell.Width <= width ? [(cell, wide)]
        : cell.Text.Split(' ').Select(word => cell with { Text = word }).Select(word => (word, word.Width + 1 - Gap));
}
