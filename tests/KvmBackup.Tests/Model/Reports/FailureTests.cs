using KvmBackup.Archiving;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Tests.Archiving;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Tests.Model.Reports;

public sealed class FailureTests
{
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_source_that_fails_during_hashing_has_no_side_effects()
    {
        // The workers have complete chunks at that moment.
        for (int round = 0; round < 40; round++)
        {
            await using ArchiveWriter writer = new(
                Stream.Null, new Compression(CompressionMethod.None, null, 4), SampleArchive.RealShell, default,
                chunkBytes: 4 << 20);
            TrickySource source = new(16 << 20, () => throw new IOException("Input/output error"), sizeBytes: 24 << 20);
            await Assert.ThrowsAsync<IOException>(() => writer.AddAsync("a", source, null, CancellationToken.None));
        }
    }

    [Fact]
    public async Task The_failure_of_a_source_is_reported_and_ends_the_archive()
    {
        await using MemoryStream destination = new();
        await using ArchiveWriter writer = Writer(destination);
        TrickySource source = new(atByte: 50_000, () => throw new IOException("Input/output error"));

        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => writer.AddAsync("a", source, null, CancellationToken.None).WaitAsync(Promptly));
        Assert.Equal("Input/output error", failure.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CompleteAsync(CancellationToken.None));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => writer.AddAsync("b", new byte[1], CancellationToken.None));
    }

    [Fact]
    public async Task A_full_destination_is_reported()
    {
        await using FullStream destination = new(capacity: 30_000);
        await using ArchiveWriter writer = Writer(destination);

        IOException failure = await Assert.ThrowsAsync<IOException>(async () =>
        {
            SparseContent content = SparseContent.Whole(3_000_000, 1);
            await writer.AddAsync("a", content, null, CancellationToken.None).WaitAsync(Promptly);
            await writer.CompleteAsync(CancellationToken.None).WaitAsync(Promptly);
        });
        Assert.Equal("No space left on device", failure.Message);
    }

    [Fact]
    public async Task Cancelling_in_the_middle_ends_promptly_and_leaves_no_task()
    {
        for (int round = 0; round < 30; round++)
        {
            using CancellationTokenSource stop = new();
            await using MemoryStream destination = new();
            ArchiveWriter writer = Writer(destination);
            TrickySource source = new(atByte: 1 + (round * 17_000), stop.Cancel);

            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => writer.AddAsync("a", source, null, stop.Token).WaitAsync(Promptly));

            // Waits for all stages: a stage that hangs would hang here.
            await writer.DisposeAsync().AsTask().WaitAsync(Promptly);
        }
    }

    [Fact]
    public async Task Cancelling_a_program_that_never_ends_ends_it()
    {
        using CancellationTokenSource stop = new();
        ScriptedShell shell = new(async (_, _, token) =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            return 0;
        });
        await using MemoryStream destination = new();
        ArchiveWriter writer = new(
            destination, new Compression(CompressionMethod.Pigz), shell, SampleArchive.ModifiedAt, 4096);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => writer.AddAsync("a", SparseContent.Whole(900_000, 1), null, stop.Token).WaitAsync(Promptly));
        await writer.DisposeAsync().AsTask().WaitAsync(Promptly);
    }

    [Fact]
    public async Task A_sink_that_fails_or_a_cancellation_stops_the_extraction()
    {
        using SampleArchive archive = await SampleArchive.WriteAsync(
            CompressionMethod.Zstd, 4096, ("a", SparseContent.Whole(900_000, 1)));
        using SafeFileHandle handle = File.OpenHandle(archive.FilePath);
        ArchiveReader reader = new(handle, archive.Summary.Index, archive.Method, threads: 3);

        IOException failure = await Assert.ThrowsAsync<IOException>(() => reader.ExtractAsync(
            archive.Members[0], new TrickySink(() => throw new IOException("full")), null, CancellationToken.None)
            .WaitAsync(Promptly));
        Assert.Equal("full", failure.Message);

        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.ExtractAsync(
            archive.Members[0], new TrickySink(stop.Cancel), null, stop.Token).WaitAsync(Promptly));
    }

    [Fact]
    public async Task A_source_with_impossible_extents_and_an_unsafe_name_are_refused()
    {
        await using MemoryStream destination = new();
        await using ArchiveWriter writer = Writer(destination);
        SparseContent[] impossible =
        [
            new(10, [new(5, 6)], 1), new(10, [new(5, 2), new(0, 2)], 1), new(-1, [], 1), new(10, [new(0, 0)], 1),
        ];
        foreach (SparseContent content in impossible)
        {
            await Assert.ThrowsAsync<ArchivingException>(
                () => writer.AddAsync("a", content, null, CancellationToken.None));
        }

        string[] unsafeNames = ["", "/a", "../a", "a/../b", "a//b", "a/", "."];
        foreach (string name in unsafeNames)
        {
            await Assert.ThrowsAsync<ArchivingException>(
                () => writer.AddAsync(name, new byte[1], CancellationToken.None));
        }

        await writer.AddAsync("good", new byte[1], CancellationToken.None);
        Assert.Equal(512 + 512 + 1024, (await writer.CompleteAsync(CancellationToken.None)).TarBytes);
    }

    private static ArchiveWriter Writer(Stream destination) => new(
        destination,
        new Compression(CompressionMethod.Zstd, Threads: 3),
        SampleArchive.RealShell,
        SampleArchive.ModifiedAt,
        chunkBytes: 4096);

    private sealed class TrickySource(long atByte, Action trick, long sizeBytes = 600_000) : IExtentSource
    {
        public long SizeBytes => sizeBytes;

        public IReadOnlyList<Extent> Extents { get; } = [new(0, sizeBytes)];

        public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            buffer.Span.Clear();
            if (offsetBytes <= atByte && atByte < offsetBytes + buffer.Length)
            {
                trick();
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class TrickySink(Action trick) : IExtentSink
    {
        public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            if (offsetBytes > 300_000)
            {
                trick();
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class FullStream(int capacity) : MemoryStream
    {
        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            Length + buffer.Length > capacity
                ? throw new IOException("No space left on device")
                : base.WriteAsync(buffer, cancellationToken);
    }
}
