using System.CommandLine;
using System.Globalization;

namespace KvmBackup.Cli;

/// <summary>The command <c>verify</c>.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string?> Reference = new("NAME[@ID]")
    {
        Description = BackupReference.Usage,
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> All = new("--all") { Description = "all backups" };

    private static readonly Option<bool> Checksums = new("--checksums")
    {
        Description = "compare the bytes of the archive with their checksums, without unpacking",
    };

    private static readonly Option<string?> Sample = new("--sample")
    {
        Description = "read only this share of the archive, for example 5%, at other places each time",
        HelpName = "SHARE",
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("verify", "read backups and report damage") { Reference, All, Checksums, Sample };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            string? text = parsed.GetValue(Reference);
            if (text is null != parsed.GetValue(All))
            {
                throw new CliException("verify takes either NAME[@ID] or --all.");
            }

            VerifyDepth depth = ReadDepth(parsed);
            BackupReference? reference = text is null ? null : session.Find(text);
            VerifyReport report = reference is null
                ? await session.Runs.Verify().RunAllAsync(depth, session.Progress, session.CancellationToken)
                : await session.Runs.Verify().RunAsync(
                    reference.Domain, reference.IdPrefix, depth, session.Progress, session.CancellationToken);
            return session.Finish(report.ExitCode, reports => reports.Print(report));
        }));
        return command;
    }

    private static VerifyDepth ReadDepth(ParseResult parsed)
    {
        if (parsed.GetValue(Sample) is not { } sample)
        {
            return parsed.GetValue(Checksums) ? VerifyDepth.Checksums : VerifyDepth.Content;
        }

        if (parsed.GetValue(Checksums))
        {
            throw new CliException("verify takes either --checksums or --sample.");
        }

        bool isNumber = double.TryParse(
            sample.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent);
        return isNumber && sample.EndsWith('%') && percent is > 0 and <= 100
            ? VerifyDepth.Sample(percent / 100)
            : throw new CliException($"--sample takes a share such as 5%, not '{sample}'.");
    }
}
