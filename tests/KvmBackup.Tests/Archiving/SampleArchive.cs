using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Shell;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Tests.Archiving;

/// <summary>An archive in a temporary directory, which is removed at the end of the test.</summary>
internal sealed class SampleArchive : IDisposable
{
    public static readonly DateTimeOffset ModifiedAt = new(2026, 11, 20, 2, 0, 0, TimeSpan.Zero);

    private SampleArchive(CompressionMethod method)
    {
        Method = method;
        FilePath = Path.Combine(DirectoryPath, "web1" + Compression.FileExtension(method));
    }

    public static IProcessRunner RealShell { get; } =
        new ProcessRunner(new LoggerConfiguration().CreateLogger(), TimeProvider.System);

    public string DirectoryPath { get; } = Directory.CreateTempSubdirectory("kvmbackup-archiving-").FullName;

    public string FilePath { get; }

    public CompressionMethod Method { get; }

    public IReadOnlyList<ArchiveMember> Members { get; private set; } = [];

    public ArchiveSummary Summary { get; private set; } = new(0, 0, string.Empty, new ArchiveIndex(1, 512, 0, []));

    public static async Task<SampleArchive> WriteAsync(
        CompressionMethod method, int chunkBytes, params (string Name, IExtentSource Content)[] contents)
    {
        SampleArchive archive = new(method);
        List<ArchiveMember> members = [];
        using FileStream destination = new(archive.FilePath, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0);
        await using ArchiveWriter writer = new(
            destination, new Compression(method, Threads: 3), RealShell, ModifiedAt, chunkBytes);
        foreach ((string name, IExtentSource content) in contents)
        {
            members.Add(await writer.AddAsync(name, content, bytesRead: null, CancellationToken.None));
        }

        archive.Members = members;
        archive.Summary = await writer.CompleteAsync(CancellationToken.None);
        return archive;
    }

    public async Task<byte[]> ExtractAsync(ArchiveMember member, ArchiveIndex? index = null)
    {
        BufferSink sink = new(member.SizeBytes);
        using SafeFileHandle handle = File.OpenHandle(FilePath);
        ArchiveReader reader = new(handle, index ?? Summary.Index, Method, threads: 3);
        await reader.ExtractAsync(member, sink, bytesWritten: null, CancellationToken.None);
        return sink.Content;
    }

    public async Task<IReadOnlyList<ArchiveDamage>> VerifyAsync(
        ArchiveIndex? index = null, string? sha256 = null, IReadOnlyList<ArchiveMember>? members = null)
    {
        using SafeFileHandle handle = File.OpenHandle(FilePath);
        ArchiveReader reader = new(handle, index ?? Summary.Index, Method, threads: 3);
        return await reader.VerifyAsync(
            members ?? Members, sha256 ?? Summary.Sha256, "web1.tar", bytesRead: null, CancellationToken.None);
    }

    public async Task<ArchiveIndex> RebuildIndexAsync()
    {
        using SafeFileHandle handle = File.OpenHandle(FilePath);
        return await ArchiveIndex.RebuildAsync(
            handle, Method, Summary.Index.ChunkSizeBytes, CancellationToken.None);
    }

    /// <summary>Runs a program, which must succeed.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        ProgramResult result = await RealShell.RunAsync(new ProgramCall(program, arguments), CancellationToken.None);
        Assert.True(result.IsSuccess, $"{result.Call}: {result.ErrorText}");
        Assert.Equal(string.Empty, result.StandardError);
        return result.StandardOutput;
    }

    public void Dispose() => Directory.Delete(DirectoryPath, recursive: true);
}
