using KvmBackup.Archiving.Checksums;
using KvmBackup.Shell;

namespace KvmBackup.Tests.Archiving.Checksums;

public sealed class ContentHashTests
{
    private const int Mebibyte = 1 << 20;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Mebibyte - 1)]
    [InlineData(Mebibyte)]
    [InlineData(Mebibyte + 1)]
    [InlineData((3 * Mebibyte) + 77)]
    public void Data_and_holes_of_any_size_have_the_checksum_of_the_plain_bytes(int size)
    {
        byte[] zeros = new byte[size];
        using ContentHash hole = new(size, []);
        Assert.Equal(Naive(zeros), hole.Finish());

        SparseContent content = SparseContent.Whole(size, seed: 3);
        using ContentHash whole = new(size, content.Extents);
        whole.Add(0, content.ToArray());
        Assert.Equal(Naive(content.ToArray()), whole.Finish());
    }

    [Fact]
    public void The_hashing_of_a_hole_of_1_PiB_can_be_cancelled()
    {
        using CancellationTokenSource source = new();
        source.Cancel();
        using ContentHash hash = new(1L << 50, [], source.Token);
        _ = Assert.ThrowsAny<OperationCanceledException>(hash.Finish);
    }

    [Fact]
    public void Data_of_zeros_except_one_byte_have_the_checksum_of_the_plain_bytes()
    {
        byte[] bytes = new byte[4 * Mebibyte];
        bytes[(2 * Mebibyte) - 1] = 1;
        bytes[3 * Mebibyte] = 1;
        using ContentHash hash = new(bytes.Length, [new Extent(0, bytes.Length)]);
        hash.Add(0, bytes);

        Assert.Equal(Naive(bytes), hash.Finish());
    }

    [Fact]
    public void Parts_can_be_added_in_any_order_from_any_thread()
    {
        for (int seed = 0; seed < 25; seed++)
        {
            SparseContent content = SparseContent.Random(seed, 5 * Mebibyte);
            byte[] bytes = content.ToArray();
            using ContentHash hash = new(content.SizeBytes, content.Extents);
            (int Start, int Length)[] parts = [.. PartsOf(content, new Random(seed))];
            new Random(seed).Shuffle(parts);
            Parallel.ForEach(parts, part => hash.Add(part.Start, bytes.AsSpan(part.Start, part.Length)));

            Assert.True(hash.Completion.IsCompletedSuccessfully);
            Assert.Equal(Naive(bytes), hash.Finish());
        }
    }

    [Fact]
    public void No_checksum_is_returned_before_all_data_are_added()
    {
        using ContentHash hash = new(10, [new Extent(0, 10)]);
        hash.Add(0, new byte[9]);
        Assert.False(hash.Completion.IsCompleted);
        Assert.Throws<InvalidOperationException>(hash.Finish);
    }

    [ProgramTheory("split", "xxh128sum", "xxd", "bash")]
    [InlineData((2 * Mebibyte) + 5)]
    [InlineData(Mebibyte)]
    public async Task The_documented_command_prints_the_same_checksum(int size)
    {
        SparseContent content = SparseContent.Whole(size, seed: 9);
        using ContentHash hash = new(size, content.Extents);
        hash.Add(0, content.ToArray());
        string directory = Directory.CreateTempSubdirectory("kvmbackup-archiving-").FullName;
        string path = Path.Combine(directory, "FILE");
        await File.WriteAllBytesAsync(path, content.ToArray());

        ProgramResult result = await SampleArchive.RealShell.RunAsync(
            new ProgramCall(
                "bash",
                ["-c", "split -b 1M --filter='xxh128sum | cut -c1-32 | xxd -r -p' \"$0\" | xxh128sum", path]),
            CancellationToken.None);
        Directory.Delete(directory, recursive: true);

        Assert.Equal(result.StandardOutput[..32], hash.Finish());
    }

    private static IEnumerable<(int Start, int Length)> PartsOf(SparseContent content, Random random)
    {
        foreach (Extent extent in content.Extents)
        {
            for (long offset = extent.OffsetBytes; offset < extent.EndBytes;)
            {
                int length = (int)Math.Min(1 + random.Next(3 * Mebibyte / 2), extent.EndBytes - offset);
                yield return ((int)offset, length);
                offset += length;
            }
        }
    }

    private static string Naive(byte[] content)
    {
        using Xxh128 tree = new();
        foreach (byte[] block in content.Chunk(Mebibyte))
        {
            tree.Append(Xxh128.Of(block));
        }

        return Xxh128.Format(tree.Finish());
    }
}
