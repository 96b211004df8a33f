using System.CommandLine;
using KvmBackup.Model;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Cli;

/// <summary>The words of <c>cat</c>.</summary>
internal static class CatWords
{
    private const int StandardOutput = 1;

    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = "a backup; without an ID the newest" };
    private static readonly Argument<string> What = new("DISK|FILE") { Description = "a disk such as vda, or a file of the archive such as domain.xml" };
    private static readonly Option<long> Offset = new("--offset") { Description = "from this byte on", HelpName = "BYTES" };
    private static readonly Option<long?> Length = new("--length") { Description = "so many bytes; without it up to the end", HelpName = "BYTES" };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("cat", "bytes of a disk or file of a backup, to standard output, without reading what lies before them")
        {
            Reference, What, Offset, Length,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            CatRequest request = Read(parsed);
            if (!Console.IsOutputRedirected && !request.Name.Contains('.', StringComparison.Ordinal))
            {
                throw new CliException("cat writes the bytes of a disk: send them to a file or a program, not to a terminal.");
            }

            // Not the stream of the console, which goes on in silence when nobody reads it any more.
            await using FileStream output = new(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            await session.Runs.Cat().RunAsync(request, output, session.CancellationToken);
            return ExitCode.Done;
        }));
        return command;
    }

    private static CatRequest Read(ParseResult parsed)
    {
        BackupReference reference = BackupReference.Parse(parsed.GetValue(Reference)!);
        (long offset, long? length) = (parsed.GetValue(Offset), parsed.GetValue(Length));
        return offset < 0 || length < 0 ? throw new CliException("--offset and --length are numbers of bytes from 0 on.")
            : new CatRequest(reference.Domain, reference.IdPrefix, parsed.GetValue(What)!, offset, length);
    }
}
