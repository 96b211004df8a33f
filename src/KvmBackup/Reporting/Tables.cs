using KvmBackup.Model;
using Spectre.Console;

namespace KvmBackup.Reporting;

/// <summary>Tables for people, whose cells hold text from outside.</summary>
internal static class Tables
{
    public static Table New(params string[] columns)
    {
        Table table = new() { Border = TableBorder.Simple, UseSafeBorder = true };
        foreach (string column in columns)
        {
            _ = table.AddColumn(new TableColumn(Cell(column)).NoWrap().PadLeft(0).PadRight(2));
        }

        return table;
    }

    public static string Cell(string? text) => Markup.Escape(PlainText.Line(text ?? string.Empty));

    public static string Result(JobOutcome outcome) => outcome switch
    {
        JobOutcome.Succeeded => "[green]backed up[/]",
        JobOutcome.Skipped => "skipped",
        JobOutcome.Planned => "planned",
        JobOutcome.NeedsPerson => "[red]NEEDS A PERSON[/]",
        _ => "[red]FAILED[/]",
    };
}
