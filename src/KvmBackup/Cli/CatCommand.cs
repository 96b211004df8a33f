using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The words of <c>cat</c>.</summary>
internal static class CatCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };
    private static readonly Argument<string> What = new("DISK|FILE") { Description = "a disk such as vda, or a file of the archive such as domain.xml" };
    private static readonly Option<long> Offset = new("--offset")
    {
        Description = "from this byte on",
        HelpName = "BYTES",
        CustomParser = result => NumberOption.Parse(result, "bytes"),
    };

    private static readonly Option<long?> Length = new("--length")
    {
        Description = "so many bytes; without it up to the end",
        HelpName = "BYTES",
        CustomParser = result => NumberOption.Parse(result, "bytes"),
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("cat", "bytes of a disk or file of a backup, to standard output, without reading what lies before them")
        {
            Reference, What, Offset, Length,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            CatRequest request = Read(parsed, session);
            if (!session.Streams.HasOutput)
            {
                throw new CliException("cat writes bytes to standard output, which is closed.");
            }

            if (session.Streams.OutputWidth is not null && !request.Name.Contains('.', StringComparison.Ordinal))
            {
                throw new CliException("cat writes the bytes of a disk: send them to a file or a program, not to a terminal.");
            }

            await using OutputStream output = new();
            try
            {
                await session.Runs.Cat().RunAsync(request, output, session.CancellationToken);
                return ExitCode.Done;
            }
            catch (KvmBackupException failure) when (
                failure.InnerException is IOException { HResult: OutputStream.BrokenPipe })
            {
                // Who reads has enough, as head has.
                return ExitCode.BrokenPipe;
            }
        }));
        return command;
    }

    private static CatRequest Read(ParseResult parsed, Session session)
    {
        BackupReference reference = session.Find(parsed.GetValue(Reference)!);
        return new CatRequest(
            reference.Domain, reference.IdPrefix, parsed.GetValue(What)!,
            parsed.GetValue(Offset), parsed.GetValue(Length));
    }
}
