using System.Globalization;
using KvmBackup.Persisting;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Persisting;

/// <summary>A large file that does not stay in the page cache.</summary>
public sealed class WriteBehindStreamTests : IDisposable
{
    private const int PieceBytes = 4 << 20;
    private const int PieceCount = 48;

    private readonly TemporaryFolder folder = new();

    [ProgramTheory("fincore", "stat")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task All_bytes_are_written_and_most_are_not_in_the_page_cache(bool isBehind)
    {
        string path = folder.PathOf("archive");
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        await using (FileStream file = isBehind ? new WriteBehindStream(
            File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write)) : new FileStream(path, options))
        {
            for (int piece = 0; piece < PieceCount; piece++)
            {
                await file.WriteAsync(Piece(piece), CancellationToken.None);
            }
        }

        long inMemory = long.Parse(
            await SampleArchive.RunAsync(
                "fincore", "--bytes", "--noheadings", "--output", "RES", path), CultureInfo.InvariantCulture);
        bool isInMemoryAnyway = (await SampleArchive.RunAsync("stat", "-f", "-c", "%T", path)).Trim() == "tmpfs";

        Assert.True(isInMemoryAnyway || inMemory < (long)PieceCount * PieceBytes * 3 / 4 == isBehind,
            $"{inMemory} bytes stay in memory");
        await using FileStream written = File.OpenRead(path);
        byte[] found = new byte[PieceBytes];
        for (int piece = 0; piece < PieceCount; piece++)
        {
            await written.ReadExactlyAsync(found);
            Assert.Equal(Piece(piece), found);
        }

        Assert.Equal(-1, written.ReadByte());
    }

    public void Dispose() => folder.Dispose();

    private static byte[] Piece(int number)
    {
        byte[] piece = new byte[PieceBytes];
        Array.Fill(piece, (byte)(number + 1));
        return piece;
    }
}
