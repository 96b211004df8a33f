using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The command <c>cat</c>.</summary>
internal static class CatCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };
    private static readonly Argument<string> What = new("DISK|FILE")
    {
        Description = "a disk such as vda, or a file of the archive such as domain.xml",
    };

    private static readonly Option<long> Offset = new("--offset")
    {
        Description = "the first byte; default 0",
        HelpName = "BYTES",
        CustomParser = result => NumberOption.Parse(result, "bytes"),
    };

    private static readonly Option<long?> Length = new("--length")
    {
        Description = "the number of bytes; default up to the end",
        HelpName = "BYTES",
        CustomParser = result => NumberOption.Parse(result, "bytes"),
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("cat", "write bytes of a disk or file to standard output")
        {
            Reference, What, Offset, Length,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            CatRequest request = Read(parsed, session);
            if (!session.Streams.HasOutput)
            {
                throw new CliException("cat writes to standard output, which is closed.");
            }

            if (session.Streams.OutputWidth is not null && !request.Name.Contains('.', StringComparison.Ordinal))
            {
                throw new CliException("cat does not write a disk to a terminal: redirect it to a file or a program.");
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
                // The reader, such as head, has enough.
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
