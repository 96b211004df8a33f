using System.Diagnostics;

namespace KvmBackup.Shell;

/// <summary>
/// One program that data flows through. Made of bare pipes and threads that block in them: a library that copies each byte
/// through streams of its own cost a fifth of the time of pigz.
/// </summary>
internal sealed class FilterProcess(Process process) : IDisposable
{
    private const int ReadBytes = 1 << 18;

    /// <summary>Feeds it, collects what it prints, and waits for its end; killed when the token is cancelled.</summary>
    /// <returns>Its exit status and its complaints.</returns>
    public async Task<(int ExitCode, string Error)> RunAsync(
        ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken)
    {
        await using CancellationTokenRegistration registration = cancellationToken.Register(Kill);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        Task feed = OnThread(() => Feed(input));
        Task collect = OnThread(() => process.StandardOutput.BaseStream.CopyTo(output, ReadBytes));
        try
        {
            await Task.WhenAll(feed, collect);
        }
        catch (Exception)
        {
            // Whoever takes its output failed: nobody will read the rest, so it would block for ever.
            Kill();
            throw;
        }

        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return (process.ExitCode, await error);
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
    }

    // Not the pool's threads, which are as few as processors: these block.
    private static Task OnThread(Action action) => Task.Factory.StartNew(
        action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Feed(ReadOnlyMemory<byte> input)
    {
        try
        {
            using Stream standardInput = process.StandardInput.BaseStream;
            standardInput.Write(input.Span);
        }
        catch (IOException)
        {
            // It stopped reading before the end; its exit status and complaint say why.
        }
    }

    private void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }
}
